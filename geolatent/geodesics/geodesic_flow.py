"""Integration of the geodesic equation, every geodesic with steps of its own."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from geolatent.geodesics.dormand_prince import (
    CONTROL_ORDER,
    STAGES,
    DormandPrince,
    dormand_prince,
    interpolant,
)
from geolatent.metrics.connection import geodesic_acceleration
from geolatent.metrics.metric import Metric

_LONGEST_STEP = 0.25  # of the geodesic: its twelve stages then look everywhere along it
_SHORTEST_STEP = 1e-7  # below, at order 8, the metric is singular or not smooth there
# A geodesic that would not arrive at three times its pace over 20 attempts is given up: it runs to
# where the metric ends, or to infinity, which decoders that saturate put at a finite length.
_WINDOW = 20
_HASTE = 3
_SAFETY = 0.9
_SHRINK, _GROW = 0.2, 6.0  # bounds of a change of step length, beyond which estimates mislead


class Flow(NamedTuple):
    """Where the geodesics are after unit time, and how they got there."""

    end: Float[Tensor, "b d"]
    velocity: Float[Tensor, "b d"]
    points: Float[Tensor, "b t d"]
    speed: Float[Tensor, "b"]
    speed_drift: Float[Tensor, "b"]
    reached: Float[Tensor, "b"]
    steps: Int[Tensor, "b"]


def metric_norm(
    matrix: Float[Tensor, "*b d d"], vectors: Float[Tensor, "*b d"]
) -> Float[Tensor, "*b"]:
    """√(vᵀ G v)."""
    return torch.einsum("...i,...ij,...j->...", vectors, matrix, vectors).clamp_min(0).sqrt()


@torch.no_grad()
def geodesic_flow(
    metric: Metric,
    start: Float[Tensor, "b d"],
    velocity: Float[Tensor, "b d"],
    times: Float[Tensor, "t"],
    *,
    tolerance: float,
    max_steps: int,
) -> Flow:
    r"""Integrate γ'' = −Γ(γ)[γ', γ'] over unit time.

    The method of Dormand and Prince of order 8. Every geodesic has its own step length and leaves
    the batch when it arrives or fails, so that one that runs into a singularity neither spoils nor
    slows the others. The error of a step is measured in the metric, relative to the length of the
    geodesic, so that units of codes and data do not matter.

    Args:
        metric: on codes.
        start: `(b, d)`.
        velocity: `(b, d)`.
        times: in [0, 1], in any order.
        tolerance: estimated error of one step, relative to the geodesic's length.
        max_steps: attempted steps of one geodesic.

    Returns:
        End points, velocities and points at the times; NaN where a geodesic did not get there.
    """
    state = torch.cat([start, velocity], 1)
    slope, matrix = _derivative(metric, state)
    speed = metric_norm(matrix, velocity)
    # Zero velocity: the constant geodesic, whatever the metric is there.
    resting = (velocity == 0).all(1)
    speed = torch.where(resting, 0, speed)
    points = torch.where(resting[:, None, None], start.unsqueeze(1), torch.nan)
    points = points.repeat(1, len(times), 1)
    points[:, times == 0] = start.unsqueeze(1)
    final = torch.where(resting.unsqueeze(1), state, torch.nan)
    drift = torch.where(speed.isfinite(), 0, speed)
    reached = resting.to(start)
    steps = torch.zeros(len(start), dtype=torch.long, device=start.device)

    usable = slope.isfinite().all(1) & speed.isfinite() & (speed > 0)
    row = usable.nonzero().squeeze(1)  # which geodesic of the batch each active one is
    active = _Active(state[row], slope[row], matrix[row], speed[row], tolerance)
    for count in range(1, max_steps + 1):
        if not len(row):
            break
        attempt = active.attempt(metric)
        inside = attempt.accepted.unsqueeze(1) & (times > active.time.unsqueeze(1))
        inside &= times <= (active.time + active.step).unsqueeze(1)
        wanted = inside.any(1).nonzero().squeeze(1)
        if len(wanted):
            found = active.dense(metric, attempt, wanted, times)
            points[row[wanted]] = torch.where(
                inside[wanted].unsqueeze(2), found, points[row[wanted]]
            )
        active.advance(attempt)
        steps[row] += 1
        reached[row] = active.time
        drift[row] = torch.maximum(drift[row], active.speed_drift())
        arrived = active.time == 1
        final[row] = torch.where(arrived.unsqueeze(1), active.state, torch.nan)
        going = ~arrived & (active.step >= max(_SHORTEST_STEP, 8 * torch.finfo(start.dtype).eps))
        if count % _WINDOW == 0:
            going &= active.comes_on(_WINDOW / (_HASTE * max_steps))
        if not going.all():
            row = row[going]
            active.keep(going)
    size = start.shape[1]
    points[:, times == 1] = final[:, None, :size]
    return Flow(final[:, :size], final[:, size:], points, speed, drift, reached, steps)


def _derivative(metric: Metric, state: Tensor) -> tuple[Tensor, Tensor]:
    size = state.shape[1] // 2
    acceleration, matrix = geodesic_acceleration(metric, state[:, :size], state[:, size:])
    return torch.cat([state[:, size:], acceleration], 1), matrix


def _weigh(weights: Tensor, derivatives: Tensor) -> Tensor:
    """Sum of the first stages' derivatives (NaN of unused memory behind them left out)."""
    return torch.einsum("s,bsk->bk", weights, derivatives[:, : len(weights)])


class _Attempt(NamedTuple):
    state: Tensor  # (b, 2d) at the step's end
    derivatives: Tensor  # (b, 13, 2d), the last at the step's end
    matrix: Tensor  # G at the step's end
    change: Tensor  # by what to multiply the step's length
    accepted: Tensor


class _Active:
    """The geodesics that are still on their way."""

    def __init__(
        self, state: Tensor, slope: Tensor, matrix: Tensor, speed: Tensor, tolerance: float
    ) -> None:
        self.state, self.slope, self.matrix, self.speed = state, slope, matrix, speed
        self.time = torch.zeros_like(speed)
        self.seen = torch.zeros_like(speed)  # the time when its pace was looked at last
        self.rejected = torch.zeros_like(speed, dtype=torch.bool)
        self._tolerance = tolerance
        # Over this step the velocity turns by a fraction that order 8 resolves.
        turning = metric_norm(matrix, slope[:, slope.shape[1] // 2 :]) / speed
        tiny = torch.finfo(state.dtype).tiny
        step = tolerance ** (1 / CONTROL_ORDER) / turning.clamp_min(tiny)
        self.step = step.clamp(1e3 * _SHORTEST_STEP, _LONGEST_STEP)

    def attempt(self, metric: Metric) -> _Attempt:
        """One step of each geodesic, and whether it is good enough."""
        method = self._method()
        self.step = torch.minimum(self.step, 1 - self.time)
        length = self.step.unsqueeze(1)
        derivatives = self.state.new_empty(len(self.step), STAGES + 1, self.state.shape[1])
        derivatives[:, 0] = self.slope
        for index in range(1, STAGES):
            move = _weigh(method.stages[index, :index], derivatives)
            derivatives[:, index], _ = _derivative(metric, self.state + length * move)
        trial = self.state + length * _weigh(method.end, derivatives)
        derivatives[:, STAGES], matrix = _derivative(metric, trial)

        error = self._error(method, derivatives, matrix)
        finite = trial.isfinite().all(1) & derivatives[:, STAGES].isfinite().all(1)
        finite &= error.isfinite()
        accepted = finite & (error <= 1)
        change = _SAFETY * error.clamp_min(1e-12) ** (-1 / CONTROL_ORDER)
        change = torch.where(finite, change, _SHRINK).clamp(_SHRINK, _GROW)
        change = torch.where(self.rejected | ~accepted, change.clamp_max(1), change)
        return _Attempt(trial, derivatives, matrix, change, accepted)

    def _error(self, method: DormandPrince, derivatives: Tensor, matrix: Tensor) -> Tensor:
        """Estimated error of the step, in units of what is allowed."""
        # In the metrics of both ends, so that neither end's blind directions hide it.
        both = self.matrix + matrix
        size = self.state.shape[1] // 2
        squares = []
        for weights in (method.error5, method.error3):
            error = _weigh(weights, derivatives)
            position, velocity = error[:, :size], error[:, size:]
            squares.append(
                metric_norm(both, position).square() + metric_norm(both, velocity).square()
            )
        fifth, third = squares
        mixed = fifth + 0.01 * third
        error = self.step * fifth / torch.where(mixed != 0, mixed, 1).sqrt()
        # Codes are known to a few units in the last place: no step can do better.
        unit = self.matrix.diagonal(dim1=-2, dim2=-1)
        position = (unit * self.state[:, :size].square()).sum(1).sqrt()
        rounding = 4 * torch.finfo(error.dtype).eps * position
        return error / (self._tolerance * self.speed + rounding)

    def dense(self, metric: Metric, attempt: _Attempt, rows: Tensor, times: Tensor) -> Tensor:
        """Codes of some geodesics at all times, right for the times inside the step."""
        method = self._method()
        state, step = self.state[rows], self.step[rows]
        derivatives = attempt.derivatives[rows]
        for weights in method.extra:
            move = _weigh(weights[: derivatives.shape[1]], derivatives)
            extra, _ = _derivative(metric, state + step.unsqueeze(1) * move)
            derivatives = torch.cat([derivatives, extra.unsqueeze(1)], 1)
        fraction = (times - self.time[rows].unsqueeze(1)) / step.unsqueeze(1)
        found = interpolant(method, state, attempt.state[rows], step, derivatives, fraction)
        return found[..., : state.shape[1] // 2]

    def advance(self, attempt: _Attempt) -> None:
        """Take the accepted steps and adapt all lengths."""
        moved = attempt.accepted.unsqueeze(1)
        last = self.step == 1 - self.time
        time = torch.where(last, 1, self.time + self.step)
        self.time = torch.where(attempt.accepted, time, self.time)
        self.state = torch.where(moved, attempt.state, self.state)
        self.slope = torch.where(moved, attempt.derivatives[:, STAGES], self.slope)
        self.matrix = torch.where(moved.unsqueeze(2), attempt.matrix, self.matrix)
        self.step = (self.step * attempt.change).clamp_max(_LONGEST_STEP)
        self.rejected = ~attempt.accepted

    def comes_on(self, share: float) -> Bool[Tensor, "b"]:
        """Whether each has since the last look come this share of its rest of the way."""
        enough = self.time - self.seen >= share * (1 - self.seen)
        self.seen = self.time
        return enough

    def speed_drift(self) -> Float[Tensor, "b"]:
        """How far the speed, which a geodesic keeps, is from that at the start."""
        velocity = self.state[:, self.state.shape[1] // 2 :]
        return (metric_norm(self.matrix, velocity) / self.speed - 1).abs()

    def keep(self, rows: Bool[Tensor, "b"]) -> None:
        """Drop the geodesics that have arrived or failed."""
        for name, value in vars(self).items():
            if isinstance(value, Tensor):
                setattr(self, name, value[rows])

    def _method(self) -> DormandPrince:
        return dormand_prince(self.state.dtype, self.state.device)
