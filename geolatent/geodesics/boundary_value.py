"""The geodesic equation as a boundary-value problem, solved by collocation and Newton's method."""

from dataclasses import dataclass
from typing import NamedTuple, final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from geolatent.geodesics.gauss_collocation import GaussCollocation, gauss_collocation
from geolatent.geodesics.geodesic_flow import metric_norm
from geolatent.metrics.connection import connection_along, geodesic_acceleration
from geolatent.metrics.metric import Metric
from geolatent.metrics.raised_index import orthonormal_frame

_SHORTEST_STEP = 1 / 64  # of Newton's: curves that need less are not near a geodesic
_CONTRACTION = 0.1  # a Jacobian that gains less than this is computed anew


class Collocated(NamedTuple):
    """Curves whose acceleration is a polynomial that is right at the nodes."""

    acceleration: Float[Tensor, "b n d"]
    velocity: Float[Tensor, "b d"]
    settled: Bool[Tensor, "b"]
    resolved: Bool[Tensor, "b"]
    linear: "Linearised"
    iterations: Int[Tensor, "b"]


@final
@dataclass
class Linearised:
    """How the residual at the nodes changes with the acceleration there, and with the curve."""

    system: Float[Tensor, "b m m"]
    by_position: Float[Tensor, "b n d d"]
    by_velocity: Float[Tensor, "b n d d"]

    def solve(self, right: Float[Tensor, "b n d"]) -> Float[Tensor, "b n d"]:
        """Accelerations that change the residual by `right`; NaN where there are none."""
        flat = right.flatten(1).unsqueeze(2)
        usable = self.system.isfinite().all(2).all(1) & flat.isfinite().all(2).all(1)
        identity = torch.eye(flat.shape[1], dtype=flat.dtype, device=flat.device)
        system = torch.where(usable[:, None, None], self.system, identity)
        solution, info = torch.linalg.solve_ex(system, torch.where(usable[:, None, None], flat, 0))
        usable = usable & (info == 0)
        return torch.where(usable[:, None, None], solution, torch.nan).view_as(right)

    def initial_velocity(
        self, gauss: GaussCollocation, offset: Float[Tensor, "b d"]
    ) -> Float[Tensor, "b d"]:
        """How the initial velocity changes when the end moves by an offset (a Jacobi field)."""
        position = gauss.times[:, None] * offset.unsqueeze(1)
        right = (
            self.by_position @ position.unsqueeze(3) + self.by_velocity @ offset[:, None, :, None]
        )
        return offset + _along(gauss.initial_velocity, self.solve(right.squeeze(3)))

    def keep(self, rows: Tensor) -> "Linearised":
        """That of some curves."""
        return Linearised(self.system[rows], self.by_position[rows], self.by_velocity[rows])

    def replace(self, rows: Tensor, fresh: "Linearised") -> None:
        """Take over what was computed anew for some curves."""
        self.system[rows] = fresh.system
        self.by_position[rows] = fresh.by_position
        self.by_velocity[rows] = fresh.by_velocity


@torch.no_grad()
def collocate(
    metric: Metric,
    start: Float[Tensor, "b d"],
    end: Float[Tensor, "b d"],
    acceleration: Float[Tensor, "b n d"],
    *,
    tolerance: float,
    max_iterations: int,
) -> Collocated:
    r"""Solve γ'' = −Γ(γ)[γ', γ'], γ(0) = start, γ(1) = end, near a given curve.

    The unknowns are the accelerations A at n Gauss nodes. The curve is the double integral of the
    polynomial through them, with its ends in place, so that

    .. math:: A_j = -Γ(z_j)[v_j, v_j], \qquad z = z_0 + t (z_1 - z_0) + S A, \quad v = \dot z

    is an integral equation of the second kind: well conditioned in any precision and for any n,
    and spectrally accurate. Newton's steps are shortened where they do not help, for each curve.

    Args:
        metric: on codes.
        start: `(b, d)`.
        end: `(b, d)`.
        acceleration: of the initial curves at n Gauss nodes, `(b, n, d)`.
        tolerance: of Newton's last step, relative to the length of the curve.
        max_iterations: of Newton's method, for each curve.

    Returns:
        The solutions: whether Newton's method settled, and whether n nodes resolve the curve.
    """
    gauss = gauss_collocation(acceleration.shape[1], start.dtype, start.device)
    problem = _Problem(metric, gauss)
    result = acceleration.clone()
    settled = torch.zeros(len(start), dtype=torch.bool, device=start.device)
    iterations = torch.zeros(len(start), dtype=torch.long, device=start.device)
    residual, scale = problem.residual(start, end, result)
    size = _largest(residual, scale)
    linear = problem.linearise(start, end, result)
    step = linear.solve(residual)
    fraction = torch.ones_like(size)
    row = torch.arange(len(start), device=start.device)  # the curves that are not settled
    for _ in range(max_iterations):
        row = row[(step[row].isfinite().all(2).all(1)) & (fraction[row] >= _SHORTEST_STEP)]
        if not len(row):
            break
        trial = result[row] + fraction[row, None, None] * step[row]
        trial_residual, trial_scale = problem.residual(start[row], end[row], trial)
        trial_size = _largest(trial_residual, scale[row])
        moved = fraction[row] * _largest(gauss.velocity @ step[row], scale[row])
        small = moved <= tolerance  # its residual may be rounding, which does not decrease
        accepted = trial_residual.isfinite().all(2).all(1) & ((trial_size < size[row]) | small)
        slow = accepted & (trial_size > _CONTRACTION * size[row])
        fraction[row] = torch.where(accepted, (2 * fraction[row]).clamp_max(1), fraction[row] / 2)
        iterations[row] += 1
        taken = row[accepted]
        result[taken], residual[taken] = trial[accepted], trial_residual[accepted]
        scale[taken], size[taken] = trial_scale[accepted], trial_size[accepted]
        settled[row] = accepted & small
        stale = row[slow & ~small]
        if len(stale):
            linear.replace(stale, problem.linearise(start[stale], end[stale], result[stale]))
        step[taken] = linear.keep(taken).solve(residual[taken])
        row = row[~settled[row]]
    velocity = end - start + _along(gauss.initial_velocity, result)
    unit = scale.diagonal(dim1=-2, dim2=-1).mean(1).sqrt()
    resolved = settled & (_tail(gauss, unit, result) <= tolerance)
    return Collocated(result, velocity, settled, resolved, linear, iterations)


class _Problem:
    def __init__(self, metric: Metric, gauss: GaussCollocation) -> None:
        self._metric, self._gauss = metric, gauss

    def curve(self, start: Tensor, end: Tensor, acceleration: Tensor) -> tuple[Tensor, Tensor]:
        chord = (end - start).unsqueeze(1)
        straight = start.unsqueeze(1) + self._gauss.times[:, None] * chord
        z = straight + self._gauss.position @ acceleration
        return z, chord + self._gauss.velocity @ acceleration

    def residual(
        self, start: Tensor, end: Tensor, acceleration: Tensor
    ) -> tuple[Float[Tensor, "b n d"], Float[Tensor, "b n d d"]]:
        """Right side minus left side, and the metric in units of the curve's length."""
        z, velocity = self.curve(start, end, acceleration)
        right, matrix = geodesic_acceleration(self._metric, z, velocity)
        squares = metric_norm(matrix, velocity).square().mean(1)
        return right - acceleration, matrix / squares[:, None, None, None]

    def linearise(self, start: Tensor, end: Tensor, acceleration: Tensor) -> Linearised:
        z, velocity = self.curve(start, end, acceleration)
        connection, matrix, _ = connection_along(self._metric, z, velocity)
        by_velocity = -2 * connection
        by_position = self._by_position(z, velocity, matrix)
        count, size = z.shape[1:]
        system = -torch.einsum("bikl,ij->bikjl", by_position, self._gauss.position)
        system -= torch.einsum("bikl,ij->bikjl", by_velocity, self._gauss.velocity)
        system = system.reshape(-1, count * size, count * size)
        system += torch.eye(count * size, dtype=z.dtype, device=z.device)
        return Linearised(system, by_position, by_velocity)

    def _by_position(self, z: Tensor, velocity: Tensor, matrix: Tensor) -> Tensor:
        """∂a/∂z by differences along an orthonormal frame: Newton needs it to a few digits only."""
        size = z.shape[-1]
        length = metric_norm(matrix, velocity).square().mean(1).sqrt()
        # Truncation grows with the step, rounding shrinks with it.
        step = torch.finfo(z.dtype).eps ** 0.5 * length[:, None, None, None]
        frame = orthonormal_frame(matrix)
        moves = step * torch.where(frame.isfinite(), frame, 0)  # NaN stays in the middle
        around = torch.cat([z.unsqueeze(2), z.unsqueeze(2) + moves.mT], 2)
        there = velocity.unsqueeze(2).expand_as(around)
        values, _ = geodesic_acceleration(self._metric, around, there)
        slopes = ((values[:, :, 1:] - values[:, :, :1]) / step).mT  # columns along the frame
        usable = slopes.isfinite().all(-1).all(-1) & frame.isfinite().all(-1).all(-1)
        safe = torch.where(usable[..., None, None], frame, torch.eye(size).to(frame))
        derivative = torch.linalg.solve_triangular(safe, slopes, upper=True, left=False)
        return torch.where(usable[..., None, None], derivative, torch.nan)


def _along(weights: Tensor, values: Float[Tensor, "b n d"]) -> Float[Tensor, "b d"]:
    return torch.einsum("n,bnd->bd", weights, values)


def _largest(vectors: Float[Tensor, "b n d"], scale: Float[Tensor, "b n d d"]) -> Tensor:
    return metric_norm(scale, vectors).amax(1)


def _tail(gauss: GaussCollocation, unit: Tensor, acceleration: Tensor) -> Float[Tensor, "b"]:
    """The highest Legendre coefficients' share in the curve, in lengths of it."""
    count = acceleration.shape[1]
    coefficients = gauss.coefficients @ (acceleration * unit.unsqueeze(1))
    highest = coefficients[:, -max(2, count // 4) :].norm(dim=2).amax(1)
    return highest / count  # an integral of a polynomial of degree n is about 1/n of it
