"""The constant curvature that triangles of geodesics have."""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float

from geolatent.assumptions.verdict import Interval

_STEPS = 801
_WIDEST = 100.0  # |K| ℓ² up to which curvatures are looked for
_RESAMPLES = 1000


@final
@dataclass(frozen=True)
class Triangles:
    r"""Geodesic triangles A, B, C and the geodesic from A to a point M on the side BC.

    In a space of constant curvature K, with sn and S as below, their lengths are related by

    .. math:: S(AM) = \frac{\mathrm{sn}(BM) (S(AC) - S(MC)) + \mathrm{sn}(MC) (S(AB) - S(BM))}
        {\mathrm{sn}(BC)}, \quad S(x) = \frac{\sin^2(\sqrt{K} x / 2)}{K}, \quad
        \mathrm{sn}(x) = \frac{\sin \sqrt{K} x}{\sqrt{K}}

    which is Stewart's theorem for K = 0. All are `(b,)` and in the units of the metric.
    """

    ab: Float[np.ndarray, "b"]
    ac: Float[np.ndarray, "b"]
    bm: Float[np.ndarray, "b"]
    mc: Float[np.ndarray, "b"]
    am: Float[np.ndarray, "b"]

    def median(self, curvature: float) -> Float[np.ndarray, "b"]:
        """AM in a space of this curvature; NaN where it holds no such triangle."""
        bm, mc = _sn(curvature, self.bm), _sn(curvature, self.mc)
        top = bm * (_versine(curvature, self.ac) - _versine(curvature, self.mc))
        top = top + mc * (_versine(curvature, self.ab) - _versine(curvature, self.bm))
        length = _length(curvature, top / _sn(curvature, self.bm + self.mc))
        perimeter = self.ab + self.ac + self.bm + self.mc
        fits = curvature <= 0 or perimeter * np.sqrt(max(curvature, 0)) < 2 * np.pi
        return np.where(fits, length, np.nan)


@final
@dataclass(frozen=True)
class CurvatureFit:
    r"""The curvature K whose triangles come closest.

    .. math:: \hat K = \arg\min_K \sum_i \left(\frac{m_i(K) - m_i}{\ell}\right)^2

    Attributes:
        curvature: in inverse squared units of the metric.
        interval: 95 %, by bootstrap over triangles.
        misfit: root mean square relative error of the medians at that curvature.
        flat_misfit: the same for a flat space.
        unit: ℓ, the median side: K ℓ² is what a triangle of that size notices.
    """

    curvature: float
    interval: Interval
    misfit: float
    flat_misfit: float
    unit: float


def fit_curvature(triangles: Triangles, *, seed: int) -> CurvatureFit:
    """Fit a constant curvature to triangles with disjoint corners.

    Args:
        triangles: all of positive, finite size; at least two.
        seed: of the bootstrap.

    Raises:
        ValueError: there are fewer than two triangles, or one has a side that is no length.
    """
    sides = np.stack([triangles.ab, triangles.ac, triangles.bm + triangles.mc])
    if sides.shape[1] < 2 or not (np.isfinite(sides).all() and (sides > 0).all()):
        raise ValueError(
            f"a fit needs two triangles or more with positive, finite sides, got {sides.shape[1]}."
        )
    unit = float(np.median(sides))
    # Equal steps of arsinh: fine around zero, where verdicts are made.
    grid = np.sinh(np.linspace(-np.arcsinh(_WIDEST), np.arcsinh(_WIDEST), _STEPS)) / unit**2
    allowed = (2 * np.pi / (sides.sum(0).max())) ** 2  # all triangles have to fit on the sphere
    grid = grid[grid < allowed]
    residual = np.stack([(triangles.median(k) - triangles.am) / unit for k in grid])
    square = np.where(np.isfinite(residual), residual, np.inf) ** 2
    rng = np.random.default_rng(seed)
    count = square.shape[1]
    weights = rng.multinomial(count, np.full(count, 1 / count), _RESAMPLES).astype(float)
    drawn = [_least(grid, square @ weight) for weight in weights]
    low, high = np.quantile(drawn, [0.025, 0.975])
    best = _least(grid, square.sum(1))
    flat = (triangles.median(0.0) - triangles.am) / triangles.am
    curved = (triangles.median(best) - triangles.am) / triangles.am
    return CurvatureFit(
        best,
        (float(low), float(high)),
        float(np.sqrt(np.nanmean(curved**2))),
        float(np.sqrt(np.nanmean(flat**2))),
        unit,
    )


def _least(grid: np.ndarray, cost: np.ndarray) -> float:
    """The minimum of the parabola through the least value and its neighbours."""
    i = int(np.argmin(cost))
    if not 0 < i < len(grid) - 1:
        return float(grid[i])
    (a, b, c), (x, y, z) = cost[i - 1 : i + 2], grid[i - 1 : i + 2]
    if not np.isfinite([a, c]).all():
        return float(y)
    left, right = (y - x) * (b - c), (y - z) * (b - a)
    if left == right:
        return float(y)
    return float(y - ((y - x) * left - (y - z) * right) / (2 * (left - right)))


def _versine(curvature: float, x: np.ndarray) -> np.ndarray:
    """S(x), x²/4 in a flat space."""
    return _sn(curvature, x / 2) ** 2


def _sn(curvature: float, x: np.ndarray) -> np.ndarray:
    if curvature == 0:
        return x
    root = np.sqrt(abs(curvature))
    return (np.sin(root * x) if curvature > 0 else np.sinh(root * x)) / root


def _length(curvature: float, versine: np.ndarray) -> np.ndarray:
    """The x whose S(x) this is."""
    root = np.sqrt(np.maximum(versine, 0))
    if curvature == 0:
        return 2 * root
    scale = np.sqrt(abs(curvature))
    if curvature > 0:
        return 2 * np.arcsin(np.minimum(scale * root, 1)) / scale
    return 2 * np.arcsinh(scale * root) / scale
