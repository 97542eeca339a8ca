"""The exponential map: geodesics from a code with a velocity."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from geolatent.geodesics.closed_form import known_exponential
from geolatent.geodesics.geodesic_flow import geodesic_flow, metric_norm
from geolatent.geodesics.pairs import require_pairs
from geolatent.geodesics.require_options import require_count, require_positive
from geolatent.metrics.metric import Metric
from geolatent.metrics.require_codes import require_codes

# Integrators keep the speed to about their tolerance. Where it drifts this far the codes no longer
# resolve the metric, as next to a boundary at infinity, and where the end is nobody knows.
_DRIFT = 1e-2


@final
@dataclass(frozen=True)
class Exponential:
    """Geodesics over unit time, b at once, and how well they were followed.

    Attributes:
        end: codes after unit time, `(b, d)`; NaN where not `converged`. On a space that closes up,
            those that continue the geodesic, of all that stand for the point.
        velocity: velocities there, `(b, d)`; NaN where not `converged`.
        points: codes at the times asked for, `(b, t, d)`, NaN beyond what was `reached`; None if
            no times were.
        speed: |γ'|, the length of each geodesic, `(b,)`.
        speed_drift: greatest |speed(t) / speed(0) − 1| along each geodesic, `(b,)`. A geodesic
            keeps its speed, but the integrator does not know: this is the certificate.
        reached: the time up to which each geodesic was followed, `(b,)`; 1 where `converged`.
        converged: whether the end was reached and the speed kept to 1 %, `(b,)`.
        steps: attempted, `(b,)`; 0 for closed forms.
    """

    end: Float[Tensor, "b d"]
    velocity: Float[Tensor, "b d"]
    points: Float[Tensor, "b t d"] | None
    speed: Float[Tensor, "b"]
    speed_drift: Float[Tensor, "b"]
    reached: Float[Tensor, "b"]
    converged: Bool[Tensor, "b"]
    steps: Int[Tensor, "b"]


def default_tolerance(dtype: torch.dtype) -> float:
    """About the square root of what the dtype resolves, or a little above what it can reach."""
    return 1e-5 if torch.finfo(dtype).eps > 1e-10 else 1e-10


@torch.no_grad()
def exponential(
    metric: Metric,
    start: Float[Tensor, "b d"],
    velocity: Float[Tensor, "b d"],
    *,
    t: Float[Tensor, "t"] | None = None,
    tolerance: float | None = None,
    max_steps: int = 500,
) -> Exponential:
    r"""Geodesics from start with initial velocity, followed for unit time.

    .. math:: \exp_z(v) = γ(1), \qquad γ'' = -Γ(γ)[γ', γ'], \quad γ(0) = z, \quad γ'(0) = v

    Closed forms where the metric has them. Otherwise the method of Dormand and Prince of order 8
    with steps of its own for every geodesic, and exact derivatives of the metric. A geodesic that
    meets a point where the metric is singular or not finite, or needs more steps than allowed,
    ends there: `reached` says when, its results are NaN, the others are not affected. So does one
    whose pace would not do with three times the steps, as on its way to infinity; and one that
    gets to the end and does not keep its speed to 1 % (`speed_drift`) has no results either.

    A step may jump over an isolated singular point, such as a fold of the decoder or the tip of a
    cone, that none of its stages comes near: the result is then a geodesic on either side, and
    nothing says so.

    Args:
        metric: on codes; its immersion or matrix differentiable by autograd, repeatedly.
        start: codes, `(b, d)`, floating point.
        velocity: in coordinates of the codes, `(b, d)`, of the same dtype and device.
        t: times in [0, 1] at which codes are wanted too, `(t,)`, in any order.
        tolerance: error of one step relative to the length of the geodesic; 1e-5 in float32 and
            1e-10 in float64 if not given. That of the end is some ten times as large, and grows
            where neighbouring geodesics part.
        max_steps: attempted steps of one geodesic.

    Returns:
        End points and velocities, with `converged` for each of them.

    Raises:
        ValueError: shapes, dtypes or devices do not fit together or the metric, a number is not
            finite, a time lies outside [0, 1], or an option is out of its range.
        TypeError: the metric is none, or codes, velocities or times are no tensors.

    References:
        Hairer, E., Nørsett, S. P., Wanner, G. (1993). Solving Ordinary Differential Equations I.
    """
    require_pairs(start, velocity, names=("start", "velocity"))
    if tolerance is None:
        tolerance = default_tolerance(start.dtype)
    require_positive(tolerance=tolerance)
    require_count(max_steps=max_steps)
    if not (t is None or (isinstance(t, Tensor) and t.ndim == 1)):
        raise TypeError(f"t must be a tensor of times, (t,), got {t!r}: torch.linspace(0, 1, 11).")
    times = start.new_empty(0) if t is None else t.to(start)
    if not ((times >= 0) & (times <= 1)).all():
        raise ValueError(
            f"times must lie in [0, 1], got {times.min():g} to {times.max():g}; a geodesic goes "
            "farther with a larger velocity."
        )
    require_codes(metric, start)
    known = known_exponential(metric, start, velocity, times)
    if known is not None:
        speed = metric_norm(metric.matrix(start), velocity)
        converged = known.end.isfinite().all(1)
        return Exponential(
            end=known.end,
            velocity=known.velocity,
            points=None if t is None else known.points,
            speed=speed,
            speed_drift=torch.zeros_like(speed),
            reached=converged.to(speed),
            converged=converged,
            steps=torch.zeros_like(converged, dtype=torch.long),
        )
    flow = geodesic_flow(metric, start, velocity, times, tolerance=tolerance, max_steps=max_steps)
    converged = flow.end.isfinite().all(1) & (flow.speed_drift <= _DRIFT)
    return Exponential(
        end=torch.where(converged.unsqueeze(1), flow.end, torch.nan),
        velocity=torch.where(converged.unsqueeze(1), flow.velocity, torch.nan),
        points=None if t is None else flow.points,
        speed=flow.speed,
        speed_drift=flow.speed_drift,
        reached=flow.reached,
        converged=converged,
        steps=flow.steps,
    )
