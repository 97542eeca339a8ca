"""Turn any column of labels into class numbers and class names."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

_MOST_CLASSES = 1000  # more are most likely an identifier or a measurement


def coded_labels(
    values: Any, *, items: int, name: str
) -> tuple[Int[Tensor, " n"], tuple[str, ...]]:
    """Number the distinct labels in sorted order.

    Args:
        values: labels of any simple kind, numbers or text, in a tensor, an array, a column or a
            list, shape (n,), (n, 1).
        items: how many there must be.
        name: what they are called in messages.

    Returns:
        The classes 0 to k - 1, shape (n,), and the k names.

    Raises:
        ValueError: wrong number, missing labels, or so many classes that these are no classes.
    """
    array = values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)
    if array.shape == (items, 1):
        array = array[:, 0]
    if array.shape != (items,):
        raise ValueError(f"{name}: labels have shape {array.shape}, expected ({items},).")
    if array.dtype.kind == "O":  # what pandas makes of text
        missing = np.array([entry is None or entry != entry for entry in array])
    else:
        missing = array != array
    if missing.any():
        raise ValueError(
            f"{name}: {int(missing.sum())} labels are missing, the first in row "
            f"{int(np.argmax(missing))}, counted from 0. Fill them in or remove those rows."
        )
    if array.dtype.kind == "O":
        array = array.astype(str)
    if array.dtype.kind == "f":
        if (array != np.round(array)).any():
            raise ValueError(
                f"{name}: labels such as {array[array != np.round(array)][0]:g} are measurements, "
                "not classes. Leave it among the features, or bin it first."
            )
        array = array.astype(np.int64)
    names, codes = np.unique(array, return_inverse=True)
    if len(names) > _MOST_CLASSES:
        raise ValueError(
            f"{name}: {len(names)} different labels in {items} rows look like an identifier, not "
            "like classes. Choose another one, or leave it out."
        )
    return torch.from_numpy(codes.astype(np.int64)), tuple(str(entry) for entry in names)
