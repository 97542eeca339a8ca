"""Codes between NumPy and torch, and what to say of those that failed."""

import warnings

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor


def as_codes(array: np.ndarray, dtype: torch.dtype) -> Tensor:
    """A copy as a tensor on the CPU."""
    return torch.tensor(np.asarray(array), dtype=dtype)


def pairs_of(
    first: np.ndarray, second: np.ndarray, dtype: torch.dtype
) -> tuple[Float[Tensor, "b d"], Float[Tensor, "b d"], tuple[int, ...]]:
    """Rows of two arrays broadcast against each other, and the shape that they had."""
    one, other = np.broadcast_arrays(np.asarray(first), np.asarray(second))
    size = one.shape[-1]
    rows = (as_codes(one.reshape(-1, size), dtype), as_codes(other.reshape(-1, size), dtype))
    return *rows, one.shape[:-1]


def warn_of_failures(what: str, converged: Bool[Tensor, "*b"]) -> None:
    """Other tools have no place for a verdict on each item: a warning counts them."""
    failed = int((~converged).sum())
    if failed:
        warnings.warn(
            f"{failed} of {converged.numel()} {what} failed (NaN) or have not converged.",
            RuntimeWarning,
            stacklevel=3,
        )
