"""Checks of the codes that are to be joined."""

from jaxtyping import Float
from torch import Tensor


def require_pairs(start: Float[Tensor, "b d"], end: Float[Tensor, "b d"]) -> None:
    """Raise `ValueError` unless start and end are finite codes of one shape, dtype and device."""
    if start.ndim != 2 or start.shape != end.shape or start.shape[1] < 1:
        raise ValueError(
            "start and end must both be (b, d) with d at least 1, got "
            f"{tuple(start.shape)} and {tuple(end.shape)}."
        )
    if start.dtype != end.dtype or start.device != end.device:
        raise ValueError(
            f"start is {start.dtype} on {start.device} but end is {end.dtype} on {end.device}; "
            "convert one of them."
        )
    if not start.is_floating_point():
        raise ValueError(f"codes must be floating point, got {start.dtype}.")
    for name, codes in (("start", start), ("end", end)):
        bad = (~codes.isfinite()).any(1).nonzero().squeeze(1)
        if len(bad):
            raise ValueError(
                f"{name} has {len(bad)} codes that are not finite, the first in row {int(bad[0])}."
            )
