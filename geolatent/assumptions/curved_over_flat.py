"""How much better than a flat space one of constant curvature describes triangles."""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float

from geolatent.assumptions.triangles import Triangles

_RESAMPLES = 200


@final
@dataclass(frozen=True)
class CurvedOverFlat:
    """Root mean square relative errors of the medians of triangles, and their difference.

    Attributes:
        misfit: in the space whose curvature is that of the typical triangle.
        flat_misfit: in a flat space.
        low: of what the curved space errs less, lower end of 95 %.
        high: its upper end.
    """

    misfit: float
    flat_misfit: float
    low: float
    high: float

    def __str__(self) -> str:
        less = self.flat_misfit - self.misfit
        return (
            f"medians of triangles are off by {100 * self.misfit:.2g} % with that curvature and by "
            f"{100 * self.flat_misfit:.2g} % with none, a difference of {100 * less:.2g} points "
            f"[{100 * self.low:.2g}, {100 * self.high:.2g}]"
        )


def curved_over_flat(triangles: Triangles, curvature: Float[np.ndarray, "b"]) -> CurvedOverFlat:
    """The misfits of both spaces, and the bootstrap over triangles of their difference.

    In every resample the typical curvature is found anew. Triangles that such a space does not hold
    are left out of both.

    Args:
        triangles: of the decoder.
        curvature: of each.
    """
    flat = _squares(triangles, 0.0)
    rows = np.random.default_rng(0).integers(len(flat), size=(_RESAMPLES, len(flat)))
    less = [np.subtract(*_misfits(triangles, flat, curvature, row)[::-1]) for row in rows]
    misfit, flat_misfit = _misfits(triangles, flat, curvature, np.arange(len(flat)))
    known = np.array(less)[np.isfinite(less)]
    low, high = np.quantile(known, [0.025, 0.975]) if len(known) else (np.nan, np.nan)
    return CurvedOverFlat(misfit, flat_misfit, float(low), float(high))


def _misfits(
    triangles: Triangles, flat: np.ndarray, curvature: np.ndarray, row: np.ndarray
) -> tuple[float, float]:
    curved = _squares(triangles, float(np.median(curvature[row])))[row]
    both = np.isfinite(curved) & np.isfinite(flat[row])
    if not both.any():
        return np.nan, np.nan
    return float(np.sqrt(curved[both].mean())), float(np.sqrt(flat[row][both].mean()))


def _squares(triangles: Triangles, curvature: float) -> Float[np.ndarray, "b"]:
    errors: np.ndarray = ((triangles.median(curvature) - triangles.am) / triangles.am) ** 2
    return errors
