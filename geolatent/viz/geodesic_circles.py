"""Geodesic circles: where geodesics from a code are after given lengths."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from geolatent.geodesics import Arc, StraightLine, connect, exponential
from geolatent.metrics import Metric
from geolatent.metrics.raised_index import orthonormal_frame

# A curve counts as shorter if it is so by more than solvers leave.
_SHORTER = 1e-3
_MOST_STEPS = 100  # a ray takes ten; what takes more is on its way to infinity
_STARTS = (StraightLine(), Arc(0.4), Arc(-0.4))


@final
@dataclass(frozen=True, eq=False)
class GeodesicCircles:
    """Ends of geodesics of equal lengths from one code.

    Attributes:
        centre: `(d,)`.
        radii: lengths in the metric's units, `(r,)`.
        points: `(r, k, d)`; NaN where a geodesic could not be followed so far.
        minimising: whether no shorter curve from the centre was found, `(r, k)`. Where one was, the
            point lies beyond the cut locus: on the front of the geodesics, inside the ball.
    """

    centre: Float[Tensor, " d"]
    radii: Float[Tensor, " r"]
    points: Float[Tensor, "r k d"]
    minimising: Bool[Tensor, "r k"]


@torch.no_grad()
def geodesic_circles(
    metric: Metric,
    centre: Float[Tensor, " d"],
    radii: Float[Tensor, " r"],
    *,
    directions: Float[Tensor, "d 2"] | None = None,
    count: int = 96,
) -> GeodesicCircles:
    """Follow geodesics from a code in all directions of a plane, and test whether they minimise.

    Every point is joined to the centre by `connect` as well, from a straight line and from an arc
    on either side. That finds local minima: a shorter curve proves that the geodesic does not
    minimise, and none leaves it open.

    Args:
        metric: on codes.
        centre: the code, `(d,)`.
        radii: lengths, positive, `(r,)`.
        directions: two columns that span the plane; needed unless d is 2.
        count: of geodesics.

    Returns:
        The circles.

    Raises:
        ValueError: a radius is not positive, or d is not 2 and there is no plane.
    """
    if not bool((radii > 0).all()) or not len(radii):
        raise ValueError(f"radii must be positive, got {radii.tolist()}.")
    if directions is None:
        if len(centre) != 2:
            raise ValueError(f"a circle in {len(centre)} dimensions needs `directions` of a plane.")
        directions = torch.eye(2).to(centre)
    gram = directions.T @ metric.matrix(centre) @ directions
    frame = directions @ orthonormal_frame(gram)
    if not frame.isfinite().all():
        raise ValueError("the metric is singular at the centre; choose another code.")
    angle = torch.arange(count).to(centre) * (2 * torch.pi / count)
    unit = torch.stack([angle.cos(), angle.sin()], -1) @ frame.T
    start = centre.detach().expand(count, -1).contiguous()
    farthest = radii.max()
    times = radii.to(centre) / farthest
    followed = exponential(metric, start, farthest * unit, t=times, max_steps=_MOST_STEPS)
    assert followed.points is not None
    points = followed.points.transpose(0, 1).contiguous()
    minimising = points.isfinite().all(-1)
    if minimising.any():
        ends = points[minimising]
        starts = centre.detach().expand(len(ends), -1).contiguous()
        found = connect(metric, starts, ends, initialisations=_STARTS)
        length = radii.to(centre).unsqueeze(1).expand_as(minimising)[minimising]
        shorter = found.converged & (found.length < (1 - _SHORTER) * length)
        minimising[minimising.clone()] = ~shorter
    return GeodesicCircles(centre.detach(), radii, points, minimising)
