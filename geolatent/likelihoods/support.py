"""Checks of data against the support of a likelihood."""

import torch
from jaxtyping import Float
from torch import Tensor


def require_finite(x: Float[Tensor, "*b p"]) -> None:
    """Raise `ValueError` if x has a NaN or an infinity, saying how many."""
    bad = int((~torch.isfinite(x)).sum())
    if bad:
        raise ValueError(
            f"the data have {bad} entries that are NaN or infinite; remove them first."
        )


def require_within(x: Float[Tensor, "*b p"], low: float, high: float, *, name: str) -> None:
    """Raise `ValueError` unless low <= x <= high everywhere, saying the range that x has."""
    require_finite(x)
    least, greatest = float(x.min()), float(x.max())
    if least < low or greatest > high:
        raise ValueError(
            f"a {name} likelihood describes data from {low:g} to {high:g}, but these run from "
            f"{least:g} to {greatest:g}; rescale them or choose another likelihood."
        )
