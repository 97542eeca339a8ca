"""Outlines of cancer cells, which come with geomstats."""

from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float

from geolatent.data.coded_labels import coded_labels
from geolatent.data.data_set import DataSet
from geolatent.data.data_split import DataSplit, split
from geolatent.data.grouping import Grouping
from geolatent.data.outline import aligned, rasterised, resampled
from geolatent.data.packaged_file import packaged_file
from geolatent.data.scaling import ScalingKind

OutlineForm = Literal["image", "outline"]

_FILES = ("cells.txt", "treatments.txt", "cell_lines.txt")
_HALF_WIDTH = 1.8
_TREATMENTS = {"control", "cytd", "jasp"}
_LINES = {"dlm8", "dunn"}


def osteosarcoma(
    *,
    folder: str | Path | None = None,
    form: OutlineForm = "image",
    resolution: int = 32,
    validation: float = 0.15,
    test: float = 0.15,
    seed: int = 0,
    scaling: ScalingKind = "none",
) -> DataSplit:
    """Load the outlines of 650 mouse osteosarcoma cells, in shape only.

    Where a cell lies in its dish, how it is turned and how large it is are taken out: outlines are
    centred at the centroid of their area, turned so that their long axis is horizontal, mirrored so
    that both axes are skewed to the positive side, and scaled to the same area. What is left is
    drawn as an image or followed from the right-most point around.

    Args:
        folder: with cells.txt, treatments.txt and cell_lines.txt; by default the one in geomstats.
        form: 'image', the share of every pixel that the cell covers, in [0, 1], seen from −1.8 to
            1.8 √area, which cuts the ends of ten long cells; or 'outline', points at equal
            distances along it, all x and then all y, in units of √area.
        resolution: pixels on each side of an image, or points of an outline.
        validation: share of the items for validation, in [0, 1).
        test: share of the items for testing, in [0, 1).
        seed: which split; treatments are spread evenly over the parts.
        scaling: 'none' leaves the values described above.

    Returns:
        The split data set, float32. The classes are the treatments: none, cytochalasin D or
        jasplakinolide; `groups` has the cell line, of which dlm8 is the more aggressive.

    Raises:
        MissingExtra: geomstats is not installed; it is, with this package.
        FileNotFoundError: a file is missing.
        ValueError: what is in the files are not such outlines.

    References:
        Lyons et al. (2016). Changes in cell shape are correlated with metastatic potential in
        murine and human osteosarcomas. Biology Open 5. Miolane et al. (2020). Geomstats: a Python
        package for Riemannian geometry in machine learning. JMLR 21, arXiv 2004.04667.
    """
    if form not in get_args(OutlineForm):
        raise ValueError(f"form={form!r}: choose one of {get_args(OutlineForm)}.")
    if resolution < 4:
        raise ValueError(f"resolution={resolution}: shapes need at least 4 pixels or points.")
    files = [_file(name, folder) for name in _FILES]
    outlines = _outlines(files[0])
    treatments = _words(files[1], known=_TREATMENTS, items=len(outlines))
    lines = _words(files[2], known=_LINES, items=len(outlines))
    labels, label_names = coded_labels(treatments, items=len(outlines), name=str(files[1]))
    line_codes, line_names = coded_labels(lines, items=len(outlines), name=str(files[2]))
    shapes = [aligned(outline) for outline in outlines]
    if form == "image":
        values = np.stack(
            [rasterised(shape, resolution, half_width=_HALF_WIDTH).ravel() for shape in shapes]
        )
        names: tuple[str, ...] = ()
    else:
        values = np.stack([resampled(shape, resolution).T.ravel() for shape in shapes])
        names = tuple(f"{axis}{point}" for axis in "xy" for point in range(resolution))
    data_set = DataSet(
        name="osteosarcoma",
        data=torch.from_numpy(values.astype(np.float32)),
        labels=labels,
        label_names=label_names,
        groups={"cell line": Grouping(line_codes, line_names)},
        value_range=(0.0, 1.0) if form == "image" else None,
        image_shape=(resolution, resolution) if form == "image" else None,
        feature_names=names,
        source="Outlines of mouse osteosarcoma cells (A. Prasad), as shipped with geomstats.",
        licence="MIT, with geomstats.",
    )
    return split(data_set, validation=validation, test=test, seed=seed, scaling=scaling)


def _file(name: str, folder: str | Path | None) -> Path:
    if folder is None:
        inside = f"datasets/data/cells/{name}"
        return packaged_file("geomstats", inside, extra="test", purpose="osteosarcoma")
    file = Path(folder).expanduser() / name
    if not file.is_file():
        raise FileNotFoundError(f"{file}: there is no such file; osteosarcoma reads {_FILES}.")
    return file


def _outlines(file: Path) -> list[Float[np.ndarray, "k 2"]]:
    """Blocks of lines `x y`, an empty line between them."""
    outlines = []
    for number, block in enumerate(file.read_text().split("\n\n")):
        try:
            points = np.array([line.split() for line in block.split("\n") if line], dtype=float)
        except ValueError:
            points = np.empty(0)
        if points.ndim != 2 or points.shape[1] != 2 or len(points) < 3:
            raise ValueError(
                f"{file}: outline {number}, counted from 0, is not a list of at least three points "
                "'x y', one a line."
            )
        outlines.append(points)
    return outlines


def _words(file: Path, *, known: set[str], items: int) -> list[str]:
    words = file.read_text().split()
    if len(words) != items or not set(words) <= known:
        raise ValueError(
            f"{file}: expected {items} lines out of {sorted(known)}, got {len(words)} lines with "
            f"{sorted(set(words))[:5]}."
        )
    return words
