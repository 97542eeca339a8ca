"""Codes between NumPy and torch."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor


def as_codes(array: np.ndarray, dtype: torch.dtype) -> Tensor:
    """A copy as a tensor on the CPU."""
    return torch.tensor(np.asarray(array), dtype=dtype)


def as_array(codes: Any) -> Any:
    """A tensor as an array of its own dtype, which scikit-learn would make double; others as is."""
    return codes.detach().cpu().numpy() if isinstance(codes, Tensor) else codes


def pairs_of(
    first: np.ndarray, second: np.ndarray, dtype: torch.dtype
) -> tuple[Float[Tensor, "b d"], Float[Tensor, "b d"], tuple[int, ...]]:
    """Rows of two arrays broadcast against each other, and the shape that they had."""
    one, other = np.broadcast_arrays(np.asarray(first), np.asarray(second))
    size = one.shape[-1]
    rows = (as_codes(one.reshape(-1, size), dtype), as_codes(other.reshape(-1, size), dtype))
    return *rows, one.shape[:-1]
