"""How good given geodesics are, by an independent method in double precision."""

from dataclasses import dataclass, replace
from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from geolatent.geodesics.exponential import exponential
from geolatent.geodesics.logarithm import gap, logarithm
from geolatent.geodesics.path import Path
from geolatent.geodesics.path_velocity import path_velocity
from geolatent.metrics.metric import Metric
from geolatent.metrics.require_codes import require_codes
from geolatent.metrics.try_metric import Misfit


@final
@dataclass(frozen=True)
class Certificate:
    """What following and refining each curve of a path showed.

    Attributes:
        miss: the geodesic that sets out with the curve's initial velocity arrives this far from
            the curve's end, relative to its length, `(b,)`; NaN where it does not arrive.
        length: of the geodesic next to the curve, refined until it meets the end, `(b,)`.
        excess: length of the curve / length of the geodesic − 1, `(b,)`; infinite for a loop that
            can be drawn together to its code.
        residual: how far from the end the refined geodesic arrives, relative to its length, `(b,)`.
        converged: whether the refinement met its tolerance, `(b,)`: without it `length` and
            `excess` mean nothing.
        dtype: of the computation; float64 wherever the metric takes double codes.
    """

    miss: Float[Tensor, "b"]
    length: Float[Tensor, "b"]
    excess: Float[Tensor, "b"]
    residual: Float[Tensor, "b"]
    converged: Bool[Tensor, "b"]
    dtype: torch.dtype


@torch.no_grad()
def certify(metric: Metric, path: Path, *, tolerance: float | None = None) -> Certificate:
    r"""Check curves against the geodesic equation, which the minimisation of energy never sees.

    The geodesic equation is integrated from the initial velocity of each curve, and the curve is
    refined to the solution of the boundary-value problem (`logarithm`), in float64 if the metric
    takes double codes. A decoder with float32 parameters does not: give the metric of a copy in
    double precision.

    Args:
        metric: in which the curves are meant to be geodesics.
        path: the curves.
        tolerance: of the refined geodesics' relative residual, as in `logarithm`.

    Returns:
        One verdict for each curve.

    Raises:
        ValueError: the tolerance is not positive, or the curves do not fit the metric.
        TypeError: the path is none.
    """
    if not isinstance(path, Path):
        raise TypeError(
            f"path must be a Path, got {type(path).__name__}: measure(metric, points) makes one."
        )
    points = path.points
    if _takes_double(metric, points):
        points = points.double()
    require_codes(metric, points, name="points")
    end = points[:, -1].contiguous()
    usable = points.isfinite().all(2).all(1)
    safe = torch.where(usable[:, None, None], points, 0)
    velocity = path_velocity(safe, safe.new_zeros(1))[1][:, 0]
    reached = exponential(metric, safe[:, 0], velocity).end
    refined = logarithm(
        metric, safe[:, 0], safe[:, -1], path=replace(path, points=safe), tolerance=tolerance
    )
    distance = gap(metric, reached, end)
    length = torch.where(usable, refined.length, torch.nan)
    resting = (safe == safe[:, :1]).all(2).all(1) & usable
    longer = path.length.to(length) - length
    return Certificate(
        miss=torch.where(resting, 0, distance / torch.where(resting, 1, length)),
        length=length,
        excess=torch.where(resting, 0, longer / torch.where(resting, 1, length)),
        residual=torch.where(usable, refined.residual, torch.nan),
        converged=refined.converged & usable,
        dtype=points.dtype,
    )


def _takes_double(metric: Metric, points: Float[Tensor, "b t d"]) -> bool:
    try:
        require_codes(metric, points[:1, 0].double())
    except Misfit:
        return False
    return True
