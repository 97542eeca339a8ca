"""The user's own data from a file."""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Literal, get_args

import torch
from torch import Tensor

from geolatent.data.array_file import read_npy, read_npz
from geolatent.data.checked_data import checked_data
from geolatent.data.coded_labels import coded_labels
from geolatent.data.data_set import DataSet
from geolatent.data.data_split import DataSplit, split
from geolatent.data.scaling import ScalingKind
from geolatent.data.table_file import read_csv

Precision = Literal["float32", "float64"]


def load_file(
    path: str | Path,
    *,
    key: str | None = None,
    label: str | int | None = None,
    drop: Sequence[str | int] = (),
    header: bool = True,
    separator: str = ",",
    image_shape: Sequence[int] | None = None,
    name: str | None = None,
    precision: Precision = "float32",
    validation: float = 0.15,
    test: float = 0.15,
    seed: int = 0,
    scaling: ScalingKind = "none",
) -> DataSplit:
    """Load a .npz, .npy or .csv file; nothing in it is ever executed.

    Args:
        path: the file. Images of shape (n, h, w, ...) are flattened and their shape is kept.
        key: which array of an .npz file holds the data; not needed if there is only one.
        label: the key (.npz) or column (.csv) with the class of every item.
        drop: columns of a .csv file to leave out.
        header: whether the first line of a .csv file names the columns.
        separator: what separates the columns of a .csv file.
        image_shape: shape of one item, if the items are flattened images.
        name: name of the data set, by default that of the file.
        precision: 'float32' or 'float64'.
        validation: share of the items for validation, in [0, 1).
        test: share of the items for testing, in [0, 1).
        seed: which split; with labels, classes are spread evenly over the parts.
        scaling: 'none', 'minmax' or 'standardise', fitted on the training part.

    Returns:
        The split data set.

    Raises:
        FileNotFoundError: there is no such file; the message names the nearest one that exists.
        TypeError: the array does not hold real numbers.
        ValueError: the file is damaged, or what is in it cannot be used; the message says why.
    """
    path = Path(path).expanduser()
    _check_file(path)
    # A column of a table without header is called '4', which a configuration reads as a number.
    label = None if label is None else str(label)
    dropped = [str(column) for column in drop]
    if precision not in get_args(Precision):
        raise ValueError(f"precision={precision!r}: choose one of {get_args(Precision)}.")
    feature_names: tuple[str, ...] = ()
    ending = path.suffix.lower()
    if ending == ".csv":
        values, labels, feature_names = read_csv(
            path, label=label, drop=dropped, header=header, separator=separator
        )
    elif ending == ".npz":
        values, labels = read_npz(path, key=key, label=label)
    elif ending == ".npy":
        values, labels = read_npy(path), None
        if label is not None:
            raise ValueError(
                f"label={label!r}: an .npy file holds one array and no labels. Save both with "
                "numpy.savez(path, data=..., labels=...) and load the .npz file."
            )
    else:
        raise ValueError(f"{path}: files of kind {ending!r} are not read, only .npz, .npy, .csv.")
    dtype = torch.float32 if precision == "float32" else torch.float64
    data, shape = checked_data(values, name=str(path), dtype=dtype, feature_names=feature_names)
    codes: Tensor | None = None
    names: tuple[str, ...] = ()
    if labels is not None:
        codes, names = coded_labels(labels, items=len(data), name=f"{path}, label {label!r}")
    bounds = {"bool": (0.0, 1.0), "uint8": (0.0, 255.0)}
    data_set = DataSet(
        name=name or path.stem,
        data=data,
        labels=codes,
        label_names=names,
        value_range=bounds.get(str(values.dtype)),
        image_shape=tuple(image_shape) if image_shape is not None else shape,
        feature_names=feature_names,
        source=f"The file {path.name}.",
    )
    return split(data_set, validation=validation, test=test, seed=seed, scaling=scaling)


def _check_file(path: Path) -> None:
    """Raise if there is no such file, with the nearest name that exists."""
    if path.is_file():
        return
    if path.is_dir():
        raise FileNotFoundError(f"{path} is a folder: give a .npz, .npy or .csv file in it.")
    folder = path.parent
    if not folder.is_dir():
        raise FileNotFoundError(f"{path}: there is no folder {folder.resolve()}.")
    names = sorted(entry.name for entry in folder.iterdir() if entry.is_file())
    near = get_close_matches(path.name, names, n=1, cutoff=0.5)
    usable = [entry for entry in names if Path(entry).suffix.lower() in (".npz", ".npy", ".csv")]
    hint = f"Did you mean {folder / near[0]}?" if near else f"Usable files there: {usable[:10]}."
    raise FileNotFoundError(f"{path}: there is no such file in {folder.resolve()}. {hint}")
