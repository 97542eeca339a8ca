"""Gene counts of blood cells, with the tree of their lineages."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np
import torch

from geolatent.data.data_set import DataSet
from geolatent.data.data_split import DataSplit, split
from geolatent.data.grouping import Grouping
from geolatent.data.label_tree import LabelTree
from geolatent.data.missing_extra import MissingExtra
from geolatent.data.packaged_file import packaged_file
from geolatent.data.scaling import ScalingKind

CellValues = Literal["counts", "log"]

BLOOD_LINEAGE = LabelTree(
    MappingProxyType(
        {
            "myeloid": "CD34+",
            "CD14+ Monocyte": "myeloid",
            "Dendritic": "myeloid",
            "lymphoid": "CD34+",
            "CD19+ B": "lymphoid",
            "T and NK": "lymphoid",
            "CD56+ NK": "T and NK",
            "T": "T and NK",
            "CD4+ T": "T",
            "CD4+/CD45RA+/CD25- Naive T": "CD4+ T",
            "CD4+/CD45RO+ Memory": "CD4+ T",
            "CD4+/CD25 T Reg": "CD4+ T",
            "CD8+ T": "T",
            "CD8+/CD45RA+ Naive Cytotoxic": "CD8+ T",
            "CD8+ Cytotoxic T": "CD8+ T",
        }
    )
)
"""The textbook tree of these cells, from the progenitor (CD34+): an opinion, not a measurement."""

_NORMALISED_TO = 1e4  # counts a cell, before the logarithm was taken
# Logarithms are stored to three decimals, which leaves the greatest count, 259, uncertain by 0.13.
_MOST_ROUNDING = 0.25


def blood_cells(
    *,
    path: str | Path | None = None,
    values: CellValues = "counts",
    validation: float = 0.15,
    test: float = 0.15,
    seed: int = 0,
    scaling: ScalingKind = "none",
) -> DataSplit:
    r"""Load 700 peripheral blood cells: how often each of 765 genes was read in them.

    The file that scanpy brings holds no counts but logarithms of normalised ones, to three
    decimals,

    .. math:: x = \log\Bigl(1 + \frac{10^4\, c}{n}\Bigr)

    where n, the sum over all genes of the cell, stands beside them. Counts c are what comes out of
    this formula, rounded; that they are within 0.25 of a whole number is checked.

    The classes are those of the most similar purified population of the study. The tree of
    their lineages is `label_tree` of the data set; `groups` has the phase of the cell cycle and the
    clusters that the authors of the file found. Depth (n) differs fivefold between cells, and no
    likelihood here takes it out: codes of counts may hold it.

    Args:
        path: an .h5ad file of the same form; by default the one in scanpy.
        values: 'counts', for a negative binomial or Poisson likelihood, or the 'log' of the file.
        validation: share of the items for validation, in [0, 1).
        test: share of the items for testing, in [0, 1).
        seed: which split; classes are spread evenly over the parts.
        scaling: 'none' leaves counts what they are.

    Returns:
        The split data set, float32, with 10 classes.

    Raises:
        MissingExtra: scanpy or h5py is not installed (`pip install 'geolatent-toolkit[cells]'`).
        FileNotFoundError: there is no such file.
        ValueError: the file is of another form, or is not what the formula says.

    References:
        Zheng et al. (2017). Massively parallel digital transcriptional profiling of single cells.
        Nature Communications 8, 14049. Wolf, Angerer, Theis (2018). SCANPY. Genome Biology 19, 15.
        Orkin, Zon (2008). Hematopoiesis: an evolving paradigm for stem cell biology. Cell 132.
    """
    if values not in get_args(CellValues):
        raise ValueError(f"values={values!r}: choose one of {get_args(CellValues)}.")
    file = (
        packaged_file(
            "scanpy", "datasets/10x_pbmc68k_reduced.h5ad", extra="cells", purpose="blood_cells"
        )
        if path is None
        else Path(path).expanduser()
    )
    content = _read(file)
    logarithms, depth = content["logarithms"], content["depth"]
    matrix = logarithms if values == "log" else _counts(logarithms, depth, name=str(file))
    names, codes = content["bulk_labels"]
    unknown = sorted(set(names) - {*BLOOD_LINEAGE.parents, *BLOOD_LINEAGE.parents.values()})
    if unknown:
        raise ValueError(f"{file}: cell types {unknown} are not in the tree of lineages.")
    data_set = DataSet(
        name="blood cells",
        data=torch.from_numpy(matrix.astype(np.float32)),
        labels=codes,
        label_names=names,
        label_tree=BLOOD_LINEAGE,
        groups={
            "cell cycle": Grouping(content["phase"][1], content["phase"][0]),
            "cluster": Grouping(content["louvain"][1], content["louvain"][0]),
        },
        feature_names=content["genes"],
        source=(
            "Fresh 68k PBMCs (donor A) of 10x Genomics (Zheng et al. 2017), reduced, as shipped "
            "with scanpy"
            + ("; counts recovered from the logarithms in it." if values == "counts" else ".")
        ),
        licence="CC BY 4.0 (10x Genomics); scanpy is under the 3-clause BSD licence.",
    )
    return split(data_set, validation=validation, test=test, seed=seed, scaling=scaling)


def _read(file: Path) -> Mapping[str, Any]:
    """What is used of an .h5ad file of 2018 (anndata 0.6), as arrays, names and codes."""
    try:
        import h5py
    except ModuleNotFoundError:
        raise MissingExtra("h5py", extra="cells", purpose="blood_cells") from None
    if not file.is_file():
        raise FileNotFoundError(f"{file}: there is no such file.")
    try:
        with h5py.File(file) as store:
            raw, cells = store["raw.X"], store["obs"][:]
            shape = tuple(int(size) for size in raw.attrs["h5sparse_shape"])
            starts, columns = raw["indptr"][:], raw["indices"][:]
            logarithms = np.zeros(shape)
            logarithms[np.repeat(np.arange(shape[0]), np.diff(starts)), columns] = raw["data"][:]
            found: dict[str, Any] = {
                "logarithms": logarithms,
                "depth": cells["n_counts"].astype(np.float64),
                "genes": tuple(name.decode() for (name,) in store["raw.var"][:].tolist()),
            }
            for column in ("bulk_labels", "phase", "louvain"):
                names = tuple(name.decode() for name in store[f"uns/{column}_categories"][:])
                found[column] = names, torch.from_numpy(cells[column].astype(np.int64))
            return found
    except (KeyError, OSError, ValueError, IndexError) as error:
        raise ValueError(
            f"{file}: expected an .h5ad file like 10x_pbmc68k_reduced of scanpy, with raw.X, "
            f"n_counts, bulk_labels, phase and louvain ({error})."
        ) from error


def _counts(logarithms: np.ndarray, depth: np.ndarray, *, name: str) -> np.ndarray:
    """The whole numbers that the logarithms were made from."""
    exact = np.expm1(logarithms) * depth[:, None] / _NORMALISED_TO
    counts = np.rint(exact)
    worst = float(np.abs(exact - counts).max())
    if not worst <= _MOST_ROUNDING:
        raise ValueError(
            f"{name}: log(1 + 10⁴ c / n) gives c up to {worst:.2f} away from whole numbers, so the "
            "values are of another kind; values='log' takes them as they are."
        )
    return counts
