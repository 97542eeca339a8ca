"""The geodesic that follows codes over time best."""

import math
from dataclasses import dataclass
from typing import NamedTuple, final

import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.geodesics import connect, exponential
from geolatent.metrics import Metric
from geolatent.metrics.raised_index import orthonormal_frame
from geolatent.metrics.require_codes import require_codes, require_metric
from geolatent.statistics.frechet_mean import frechet_mean
from geolatent.statistics.log_maps import log_maps
from geolatent.statistics.sample import Sample, require_spread, require_tensor, sample_of

_SHORTEST_STEP = 1e-3


@final
@dataclass(frozen=True)
class GeodesicRegression:
    """A geodesic through b codes with times.

    Attributes:
        metric: in which it is one.
        time: at which it passes `intercept`: the mean of the times.
        intercept: code there, `(d,)`.
        velocity: its velocity there, per unit of time, `(d,)`.
        fitted: codes on the geodesic at the times of the data, `(b, d)`.
        residuals: geodesic distances of the data from them, `(b,)`.
        variance: weighted mean of their squares; what is minimised.
        r_squared: 1 − variance / Fréchet variance.
        converged: whether the variance stopped decreasing and all geodesics were found.
        iterations: of Gauss and Newton's method.
        flat_variance: the same of the straight line fitted to the codes, in the same metric.
        flat_r_squared: 1 − flat_variance / Fréchet variance.
        displacement: root mean square geodesic distance of the line from the geodesic, at the times
            of the data.
        flat_converged: whether the geodesics from the line did, to the data and to the geodesic;
            false: `flat_variance` and `displacement` are upper bounds.
        effective_size: number of codes of equal weight that the weights are worth.
    """

    metric: Metric
    time: float
    intercept: Float[Tensor, "d"]
    velocity: Float[Tensor, "d"]
    fitted: Float[Tensor, "b d"]
    residuals: Float[Tensor, "b"]
    variance: float
    r_squared: float
    converged: bool
    iterations: int
    flat_variance: float
    flat_r_squared: float
    displacement: float
    flat_converged: bool
    effective_size: float

    @property
    def standard_error(self) -> float:
        r"""√(2 variance / (n − 2)), the root mean square standard error of the fitted codes.

        That of least squares in flat space, where intercept and velocity are two parameters a
        coordinate; exact up to a factor that curvature adds. NaN for two codes, which every
        geodesic through them fits.
        """
        free = self.effective_size - 2
        return math.sqrt(2 * self.variance / free) if free > 1e-6 else math.nan

    @property
    def displacement_in_errors(self) -> float:
        """Displacement over standard error: well below 1, the straight line is fine."""
        return _ratio(self.displacement, self.standard_error)

    @property
    def displacement_in_spreads(self) -> float:
        """Displacement over the root of the variance: it does not shrink with more codes."""
        return _ratio(self.displacement, math.sqrt(self.variance))

    def __str__(self) -> str:
        off = f"{self.displacement_in_spreads:.2%} of the residual spread"
        if math.isfinite(self.displacement_in_errors):
            off = f"{self.displacement_in_errors:.2g} standard errors ({off})"
        return (
            f"geodesic through {len(self.residuals)} codes: explains {self.r_squared:.2%} of their "
            f"variance, the straight line {self.flat_r_squared:.2%}, which is {off} away"
            + ("" if self.converged else "; not converged")
            + ("" if self.flat_converged else "; the line's geodesics not converged")
        )

    def predict(self, times: Float[Tensor, "t"]) -> Float[Tensor, "t d"]:
        """Codes on the geodesic at any times; NaN where it cannot be followed that far."""
        require_tensor("times", times)
        offset = (times - self.time).to(self.velocity)[:, None]
        base = self.intercept.expand(len(times), -1).contiguous()
        return exponential(self.metric, base, offset * self.velocity).end


class _State(NamedTuple):
    """A geodesic, where it passes the data, and what it misses them by."""

    parameters: Float[Tensor, "2 d"]
    fitted: Float[Tensor, "b d"]
    misses: Float[Tensor, "b d"]
    residuals: Float[Tensor, "b"]
    variance: Tensor
    found: bool


@torch.no_grad()
def geodesic_regression(
    metric: Metric,
    times: Float[Tensor, "b"],
    points: Float[Tensor, "b d"],
    *,
    weights: Float[Tensor, "b"] | None = None,
    segments: int | None = None,
    tolerance: float | None = None,
    max_iterations: int = 30,
) -> GeodesicRegression:
    r"""Least squares in geodesic distance.

    .. math:: \min_{p, v} \sum_i w_i\, d(\exp_p((t_i - \bar t)\, v), x_i)^2

    Gauss and Newton's method: the fitted codes are differentiated in p and v by following
    neighbouring geodesics, the misses are log maps at the fitted codes. Geomstats'
    regression minimises the same by differences of the sum of squares, with a geodesic to every
    code for every number that is varied, hence this one.

    Args:
        metric: on codes, differentiable as `exponential` needs it.
        times: of the codes, `(b,)`.
        points: codes, `(b, d)`.
        weights: `(b,)`, not negative; equal if not given.
        segments: of the geodesics, as in `connect`.
        tolerance: relative decrease of the variance at which the fit has converged; 1e-5 in float32
            and 1e-9 in float64 if not given.
        max_iterations: steps.

    Returns:
        The geodesic, and how the straight line compares.

    Raises:
        ValueError: codes, times or weights are bad, or all times or all codes are the same.
        TypeError: the metric is none, or codes, times or weights are no tensors.

    References:
        Fletcher, P. T. (2013). Geodesic regression and the theory of least squares on Riemannian
        manifolds. Int. J. Comput. Vis. 105.
    """
    require_metric(metric)
    sample = sample_of(points, weights)
    points = sample.points
    require_codes(metric, points, name="points")
    require_spread(sample)
    require_tensor("times", times)
    if times.shape != points.shape[:1] or not times.isfinite().all():
        raise ValueError(
            f"times must be one finite number for each of {len(points)} codes, got shape "
            f"{tuple(times.shape)}."
        )
    single = torch.finfo(points.dtype).eps > 1e-10
    if tolerance is None:
        tolerance = 1e-5 if single else 1e-9
    if not tolerance > 0 or max_iterations < 1:
        raise ValueError(
            f"tolerance must be positive and max_iterations at least 1, got {tolerance} and "
            f"{max_iterations}."
        )
    # In double precision: seconds since 1970 do not fit into single.
    moments = times.detach().to(points.device, torch.float64)
    weight = sample.weight.double()
    centre = (weight * moments).sum() / weight.sum()  # they add up to one in single precision
    offset = moments - centre
    reach = offset[sample.weight > 0].abs().amax()
    if not reach > 0:
        raise ValueError("all times are the same: there is no direction to fit.")
    offset = (offset / reach).to(points)  # in [-1, 1] where there is weight

    mean = frechet_mean(metric, points, weights=weights, segments=segments)
    base = mean.point.expand_as(points).contiguous()
    logs = log_maps(metric, base, points, path=mean.paths)
    share = sample.weight * offset / (sample.weight * offset.square()).sum()
    state = _state(
        metric,
        sample,
        offset,
        torch.stack([mean.point[0], (share[:, None] * logs.velocity).sum(0)]),
        segments,
    )
    spread = mean.variance[0].sqrt()
    step = (1e-2 if single else 1e-4) * torch.where(spread > 0, spread, 1)
    settled, iteration = False, 0
    while state.found and not settled and iteration < max_iterations:
        iteration += 1
        change = _gauss_newton(metric, sample, offset, state, step)
        length, better = 1.0, None
        while better is None and length > _SHORTEST_STEP and bool(change.isfinite().all()):
            trial = _state(metric, sample, offset, state.parameters + length * change, segments)
            if trial.found and trial.variance <= state.variance:
                better = trial
            length /= 2
        if better is None:
            # No step helps: at the minimum, to what the geodesics resolve.
            settled = bool(change.isfinite().all())
            break
        settled = bool(state.variance - better.variance <= tolerance * better.variance)
        # A perfect fit never stops decreasing.
        settled |= bool(better.variance <= tolerance * tolerance * mean.variance[0])
        state = better
    slope = (share[:, None] * points).sum(0)
    line = mean.flat_point + offset[:, None] * slope
    counted = sample.weight > 0
    from_line = connect(metric, line, points, segments=segments)
    flat = sample.total(from_line.length.square())[0]
    flat_converged = bool(from_line.converged[counted].all())
    apart = points.new_tensor(torch.nan)
    if state.found:
        # Where only codes without weight are, the geodesic may not be known.
        reached = torch.where(counted[:, None], state.fitted, line)
        between = connect(metric, line, reached, segments=segments)
        apart = sample.total(between.length.square())[0].sqrt()
        flat_converged &= bool(between.converged[counted].all())
    whole = mean.variance[0]
    return GeodesicRegression(
        metric=metric,
        time=float(centre),
        intercept=state.parameters[0],
        velocity=state.parameters[1] / reach,
        fitted=state.fitted,
        residuals=state.residuals,
        variance=float(state.variance),
        r_squared=float(1 - state.variance / whole),
        converged=settled and state.found,
        iterations=iteration,
        flat_variance=float(flat),
        flat_r_squared=float(1 - flat / whole),
        displacement=float(apart),
        flat_converged=flat_converged,
        effective_size=float(sample.effective_size()),
    )


def _state(
    metric: Metric, sample: Sample, offset: Tensor, parameters: Tensor, segments: int | None
) -> _State:
    fitted = _follow(metric, parameters[None], offset)[0]
    nan = torch.full_like(fitted, torch.nan)
    counted = sample.weight > 0
    if not parameters.isfinite().all() or not fitted[counted].isfinite().all():
        return _State(parameters, fitted, nan, nan[:, 0], nan[0, 0], False)
    start = torch.where(fitted.isfinite(), fitted, sample.points)
    logs = log_maps(metric, start, sample.points, segments=segments)
    variance = sample.total(logs.length.square())[0]
    found = bool(logs.velocity[counted].isfinite().all())
    return _State(parameters, fitted, logs.velocity, logs.length, variance, found)


def _gauss_newton(
    metric: Metric, sample: Sample, offset: Tensor, state: _State, step: Tensor
) -> Float[Tensor, "2 d"]:
    """The step to the least squares of the linearised misses."""
    size = state.parameters.numel()
    # Steps of one length in the metric, whatever the units of the coordinates.
    frame = orthonormal_frame(metric.matrix(state.parameters[0]))
    basis = step * torch.block_diag(frame.mT, frame.mT).view(size, 2, -1)
    both = _follow(metric, state.parameters + torch.cat([basis, -basis]), offset)
    slopes = (both[:size] - both[size:]) / (2 * step)  # (2d, b, d)
    counted = sample.weight > 0
    factor, _ = torch.linalg.cholesky_ex(metric.matrix(state.fitted[counted]))
    root = sample.weight[counted].sqrt()[:, None]
    columns = [root * (factor.mT @ s[counted].unsqueeze(-1)).squeeze(-1) for s in slopes]
    right = root * (factor.mT @ state.misses[counted].unsqueeze(-1)).squeeze(-1)
    system = torch.stack([column.flatten() for column in columns], 1)
    if not system.isfinite().all():
        return torch.full_like(state.parameters, torch.nan)
    return torch.linalg.lstsq(system, right.flatten()[:, None]).solution.view(2, -1) @ frame.mT


def _follow(
    metric: Metric, parameters: Float[Tensor, "k 2 d"], offset: Float[Tensor, "b"]
) -> Float[Tensor, "k b d"]:
    """Codes at the times on several geodesics, each followed forwards and backwards once."""
    count = len(parameters)
    start = parameters[:, 0].repeat(2, 1)
    velocity = torch.cat([parameters[:, 1], -parameters[:, 1]])
    if not parameters.isfinite().all():
        return parameters.new_full((count, len(offset), start.shape[1]), torch.nan)
    # Times without weight may lie farther out than the geodesics are followed.
    points = exponential(metric, start, velocity, t=offset.abs().clamp_max(1)).points
    assert points is not None
    forwards = (offset >= 0)[None, :, None]
    codes = torch.where(forwards, points[:count], points[count:])
    return torch.where((offset.abs() <= 1)[None, :, None], codes, torch.nan)


def _ratio(numerator: float, denominator: float) -> float:
    if denominator == 0:
        return math.inf if numerator > 0 else 0.0
    return numerator / denominator
