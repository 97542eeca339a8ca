"""Log maps of codes, as exact as a statistic needs them."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from geolatent.geodesics import Path, connect, first_variation, logarithm
from geolatent.metrics import ClosedFormGeodesics, Metric
from geolatent.metrics.raised_index import raise_index


@final
@dataclass(frozen=True)
class LogMaps:
    """Tangent vectors that lead from base points to codes.

    Attributes:
        velocity: `(b, d)`, in coordinates of the codes; NaN where none was found.
        length: their norms in the metric, the geodesic distances, `(b,)`.
        converged: whether the geodesics did, `(b,)`.
    """

    velocity: Float[Tensor, "b d"]
    length: Float[Tensor, "b"]
    converged: Bool[Tensor, "b"]


def log_maps(
    metric: Metric,
    base: Float[Tensor, "b d"],
    points: Float[Tensor, "b d"],
    *,
    exact: bool = False,
    segments: int | None = None,
    path: Path | None = None,
) -> LogMaps:
    r"""log_z x for pairs of base points z and codes x.

    .. math:: \log_z x = -d\, G(z)^{-1}\, ∂_z d(z, x)

    The gradient of the distance comes from the geodesic of least energy, carried along with its end
    (`first_variation`): one geodesic a pair, and directions good to three digits or more. Exact
    ones follow from the geodesic equation (`logarithm`), at some hundred times the cost.

    Args:
        metric: on codes.
        base: codes, `(b, d)`.
        points: codes, `(b, d)`, of the same dtype and device.
        exact: whether to solve the geodesic equation; closed forms are exact anyway.
        segments: of the geodesics, as in `connect`.
        path: geodesics from base to points, if they are known.

    Returns:
        The vectors, with `converged` for each of them.

    Raises:
        ValueError: what `connect` raises.
    """
    if exact or isinstance(metric, ClosedFormGeodesics):
        found = logarithm(metric, base, points, path=path)
        return LogMaps(found.velocity, found.length, found.converged)
    if path is None:
        path = connect(metric, base, points, segments=segments)
    with torch.enable_grad():
        start = base.detach().requires_grad_()
        lengths = first_variation(metric, path, start, points.detach())
        known = lengths.isfinite()
        slope = torch.zeros_like(base)
        if known.any():
            (slope,) = torch.autograd.grad(lengths[known].sum(), start)
    with torch.no_grad():
        away = -raise_index(metric.matrix(base), slope.unsqueeze(-1)).squeeze(-1)
        size = (away * -slope).sum(1).clamp_min(0).sqrt()  # 1 for an exact geodesic
        scale = path.length / torch.where(size > 0, size, 1)
        velocity = torch.where(known[:, None], scale[:, None] * away, torch.nan)
        velocity = torch.where((base == points).all(1)[:, None], 0, velocity)
    return LogMaps(velocity, path.length, path.converged & velocity.isfinite().all(1))
