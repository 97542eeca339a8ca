"""Checks of rows that belong together."""

from jaxtyping import Float
from torch import Tensor

from geolatent.metrics.require_codes import require_floating


def require_pairs(
    first: Float[Tensor, "b d"],
    second: Float[Tensor, "b d"],
    *,
    names: tuple[str, str] = ("start", "end"),
) -> None:
    """Raise unless both are finite rows of one shape, floating-point dtype and device."""
    one, other = names
    require_floating(one, first)
    require_floating(other, second)
    if first.ndim != 2 or first.shape != second.shape or first.shape[1] < 1:
        raise ValueError(
            f"{one} and {other} must both be (b, d) with d at least 1, got "
            f"{tuple(first.shape)} and {tuple(second.shape)}."
        )
    if first.dtype != second.dtype or first.device != second.device:
        raise ValueError(
            f"{one} is {first.dtype} on {first.device} but {other} is {second.dtype} on "
            f"{second.device}; convert one of them."
        )
    require_finite_rows(one, first)
    require_finite_rows(other, second)


def require_finite_rows(name: str, rows: Float[Tensor, "b d"]) -> None:
    """Raise unless the rows are a tensor of two dimensions, floating point and finite."""
    require_floating(name, rows)
    if rows.ndim != 2:
        raise ValueError(f"{name} must be rows (b, d), got shape {tuple(rows.shape)}.")
    bad = (~rows.isfinite()).any(1).nonzero().squeeze(1)
    if len(bad):
        raise ValueError(
            f"{name} has {len(bad)} rows that are not finite, the first is row {int(bad[0])}."
        )
