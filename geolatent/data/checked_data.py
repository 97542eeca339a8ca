"""Turn an array into an (n, p) tensor, or say exactly why it cannot be one."""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

_SHOWN = 5  # how many offending positions a message lists


def checked_data(
    values: Any,
    *,
    name: str,
    dtype: torch.dtype = torch.float32,
    feature_names: Sequence[str] = (),
    allow_constant: bool = False,
) -> tuple[Float[Tensor, "n p"], tuple[int, ...] | None]:
    """Check values and flatten them to one row an item.

    Args:
        values: array or tensor of shape (n, p), or (n, h, w, ...), which is flattened row by row.
        name: what the values are called in messages, for example the path of their file.
        dtype: floating dtype of the result.
        feature_names: the names of the p columns, for messages.
        allow_constant: whether all values may be equal: in data to evaluate, not to train on.

    Returns:
        The data, shape (n, p), a copy if the dtype changes; and the shape of one item if it had to
        be flattened, else None.

    Raises:
        TypeError: values are not numbers, or are complex.
        ValueError: there are none, the shape is wrong, some are NaN or infinite, or all are equal
            and must not be.
    """
    if not isinstance(values, Tensor):
        array = np.asarray(values)
        if array.dtype.kind not in "biuf":
            raise TypeError(
                f"{name}: expected real numbers, got dtype {array.dtype}. "
                + _dtype_advice(array.dtype.kind)
            )
        values = torch.from_numpy(np.array(array, dtype=_native(array.dtype)))
    if values.is_complex():
        raise TypeError(
            f"{name}: expected real numbers, got dtype {values.dtype}. " + _dtype_advice("c")
        )
    shape = tuple(values.shape)
    if len(shape) < 2:
        raise ValueError(
            f"{name}: expected shape (n, p), one row an item, or (n, h, w), got {shape}. For n "
            "items of one feature reshape to (n, 1); for a single item of p features to (1, p)."
        )
    if prod(shape) == 0:
        raise ValueError(f"{name}: there are no values in it, its shape is {shape}.")
    data = values.detach().reshape(shape[0], -1).to(dtype)
    _check_finite(data, values.reshape(shape[0], -1), name, feature_names)
    if not allow_constant and data.numel() > 1 and bool((data == data[0, 0]).all()):
        raise ValueError(
            f"{name}: all {data.numel()} values equal {float(data[0, 0]):g}: there is nothing to "
            "learn. Is this the array that you meant?"
        )
    return data, shape[1:] if len(shape) > 2 else None


def _check_finite(data: Tensor, original: Tensor, name: str, feature_names: Sequence[str]) -> None:
    """Raise with the number and the first positions of what is not finite."""
    bad = ~torch.isfinite(data)
    if not bool(bad.any()):
        return
    nan = int(torch.isnan(data).sum())
    infinite = int(bad.sum()) - nan
    overflow = int((bad & torch.isfinite(original)).sum())
    rows = int(bad.any(dim=1).sum())
    first = [
        f"(row {row}, column {repr(feature_names[column]) if feature_names else column})"
        for row, column in bad.nonzero()[:_SHOWN].tolist()
    ]
    advice = "Remove those rows or fill them in before loading: nothing is dropped silently."
    if overflow:
        advice = f"{overflow} of them do not fit in {data.dtype}: rescale the data, or use float64."
    raise ValueError(
        f"{name}: {nan} NaN and {infinite} infinite values in {rows} of {len(data)} rows, first at "
        f"{', '.join(first)}, counted from 0. {advice}"
    )


def _native(dtype: Any) -> Any:
    """A dtype that torch knows: native byte order, no long doubles, no wide unsigned integers."""
    if dtype.kind == "f":
        return np.float32 if dtype.itemsize <= 4 else np.float64
    if dtype.kind == "u" and dtype.itemsize > 1:
        return np.float64 if dtype.itemsize == 8 else np.int64
    return dtype.newbyteorder("=")


def _dtype_advice(kind: str) -> str:
    """What to do about an array that does not hold real numbers."""
    if kind == "c":
        return "Pass the real part, the modulus, or both as separate features."
    if kind in "US":
        return "Text cannot be encoded as it is: convert it to numbers, or use it as the label."
    if kind in "mM":
        return "Convert times to numbers in a unit of your choice."
    return "Convert it with array.astype(float); ragged rows must be brought to one length first."
