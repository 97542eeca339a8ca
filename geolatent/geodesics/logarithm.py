"""The logarithm: initial velocities of the geodesics between codes, to high accuracy."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from geolatent.geodesics.boundary_value import Linearised, collocate
from geolatent.geodesics.closed_form import closes_up, known_logarithm
from geolatent.geodesics.energy_minimum import energy_minimum
from geolatent.geodesics.exponential import default_tolerance, exponential
from geolatent.geodesics.gauss_collocation import gauss_collocation, resample
from geolatent.geodesics.geodesic_flow import metric_norm
from geolatent.geodesics.pairs import require_pairs
from geolatent.geodesics.path import Path
from geolatent.geodesics.path_velocity import path_velocity
from geolatent.geodesics.require_options import require_count, require_positive
from geolatent.metrics.connection import geodesic_acceleration
from geolatent.metrics.metric import ClosedFormGeodesics, Metric
from geolatent.metrics.require_codes import require_codes

_NODES = (12, 24, 48, 96, 192)
_NUMBERS = 2**24  # in the matrices of the curves that are refined together: 128 MB in float64
_CORRECTIONS = 3
_ROUGH = 1e-2  # of an initial curve's extent: how far its ends may be from the codes


@final
@dataclass(frozen=True)
class Logarithm:
    """Initial velocities of geodesics, b at once, each checked by following it.

    Attributes:
        velocity: v at the start, `(b, d)`: exp(v) is the end, or another code of its point where
            many stand for one. NaN where none was found.
        length: |v|, that of the geodesic, `(b,)`.
        residual: how far from the end the geodesic with this velocity arrives, relative to its
            length, `(b,)`; NaN where it could not be followed.
        converged: whether the residual is within the tolerance, `(b,)`.
        iterations: steps of Newton's method, `(b,)`; 0 for closed forms.
    """

    velocity: Float[Tensor, "b d"]
    length: Float[Tensor, "b"]
    residual: Float[Tensor, "b"]
    converged: Bool[Tensor, "b"]
    iterations: Int[Tensor, "b"]


@torch.no_grad()
def logarithm(
    metric: Metric,
    start: Float[Tensor, "b d"],
    end: Float[Tensor, "b d"],
    *,
    path: Path | None = None,
    tolerance: float | None = None,
    max_iterations: int = 20,
) -> Logarithm:
    r"""Velocities at start of the geodesics that are at end after unit time.

    .. math:: v = \log_z y \quad\Longleftrightarrow\quad \exp_z v = y

    Closed forms where the metric has them. Otherwise the curve of least energy is refined: the
    geodesic equation is solved as a boundary-value problem by collocation at 12, 24, … 192 Gauss
    nodes, as many as the curve needs, and Newton's method. Then the initial velocity is
    followed by `exponential`, an independent integrator, and corrected by what it misses the end
    by. Where several geodesics join two codes, this is the one next to the initial curve; a closed
    form without an initial curve takes the shortest.

    Args:
        metric: on codes; its immersion or matrix differentiable by autograd, repeatedly.
        start: codes, `(b, d)`, floating point.
        end: codes, `(b, d)`, of the same dtype and device.
        path: initial curves between the codes; those that `connect` finds if not given.
        tolerance: of the residual; 1e-4 in float32 and 1e-9 in float64 if not given.
        max_iterations: of Newton's method, for each number of nodes.

    Returns:
        Velocities, with `residual` and `converged` for each of them.

    Raises:
        ValueError: shapes, dtypes or devices do not fit together or the metric, a code is not
            finite, or an option is out of its range.
        TypeError: the metric is none, or codes or the path are something else.

    References:
        Ascher, U. M., Mattheij, R. M. M., Russell, R. D. (1995). Numerical Solution of Boundary
        Value Problems for Ordinary Differential Equations.
    """
    require_pairs(start, end)
    if tolerance is None:
        tolerance = 10 * default_tolerance(start.dtype)
    require_positive(tolerance=tolerance)
    require_count(max_iterations=max_iterations)
    require_codes(metric, start)
    if path is not None:
        if not isinstance(path, Path):
            raise TypeError(f"path must be a Path, got {type(path).__name__}: connect makes one.")
        # Closed forms of spaces that close up take a path to another code of the end's point.
        _require_like(path, start, path.points[:, -1] if closes_up(metric) else end)
    velocity = known_logarithm(metric, start, end, None if path is None else path.points)
    iterations = torch.zeros(len(start), dtype=torch.long, device=start.device)
    if velocity is None:
        if path is None:
            path = energy_minimum(metric, start, end)
        velocity, residual, iterations = _solve(
            metric, start, end, path.points, tolerance, max_iterations
        )
    else:
        known = velocity.isfinite().all(1)
        safe = torch.where(known.unsqueeze(1), velocity, 0)
        residual = _miss(metric, start, end, safe, exponential(metric, start, safe).end)
        residual = torch.where(known, residual, torch.nan)
    resting = (velocity == 0).all(1)  # where the metric need not be finite
    length = torch.where(resting, 0, metric_norm(metric.matrix(start), velocity))
    return Logarithm(
        velocity=velocity,
        length=length,
        residual=residual,
        converged=residual <= tolerance,
        iterations=iterations,
    )


def _require_like(path: Path, start: Tensor, end: Tensor) -> None:
    points = path.points
    shape = (points.shape[0], points.shape[-1])
    if (shape, points.dtype, points.device) != (start.shape, start.dtype, start.device):
        raise ValueError(
            f"path holds {tuple(points.shape)}, {points.dtype} on {points.device}, but start is "
            f"{tuple(start.shape)}, {start.dtype} on {start.device}; it must join these codes."
        )
    # An initial curve may be a rough one, and far from the origin its ends are rounded.
    gap = (points[:, [0, -1]] - torch.stack([start, end], 1)).norm(dim=2).amax(1)
    size = (points - points[:, :1]).norm(dim=2).amax(1)
    rounding = 8 * torch.finfo(points.dtype).eps * points.abs().amax((1, 2))
    apart = (gap > _ROUGH * size + rounding).nonzero().squeeze(1)
    if len(apart):
        raise ValueError(
            f"path does not join start to end in {len(apart)} of {len(path)} rows, the first is "
            f"row {int(apart[0])}; pass curves between these codes."
        )


def _solve(
    metric: Metric,
    start: Tensor,
    end: Tensor,
    points: Tensor,
    tolerance: float,
    max_iterations: int,
) -> tuple[Tensor, Tensor, Tensor]:
    velocity = torch.full_like(start, torch.nan)
    residual = torch.full_like(start[:, 0], torch.nan)
    iterations = torch.zeros(len(start), dtype=torch.long, device=start.device)
    resting = (points == end.unsqueeze(1)).all(2).all(1)  # a loop leaves its code and comes back
    velocity[resting], residual[resting] = 0, 0
    row = (~resting).nonzero().squeeze(1)
    known = torch.zeros_like(resting)  # curves with a solution on fewer nodes
    solved = points.new_empty(len(start), _NODES[0], start.shape[1])
    for nodes in _NODES:
        previous, solved = solved, points.new_empty(len(start), nodes, start.shape[1])
        for part in row.split(max(1, _NUMBERS // (nodes * start.shape[1]) ** 2)):
            guess = _initial(metric, points[part], nodes)
            finer = resample(previous[part], nodes)
            solution = collocate(
                metric,
                start[part],
                end[part],
                torch.where(known[part, None, None], finer, guess),
                tolerance=tolerance / 10,
                max_iterations=max_iterations,
            )
            iterations[part] += solution.iterations
            solved[part], known[part] = solution.acceleration, solution.settled
            ready = solution.settled & (solution.resolved | (nodes == _NODES[-1]))
            found = part[ready]
            if len(found):
                ends = (start[found], end[found])
                velocity[found], residual[found] = _shoot(
                    metric, *ends, solution.velocity[ready], solution.linear.keep(ready), tolerance
                )
        row = row[~(residual[row] <= tolerance)]
        if not len(row):
            break
    return velocity, residual, iterations


def _shoot(
    metric: Metric,
    start: Tensor,
    end: Tensor,
    velocity: Tensor,
    linear: Linearised,
    tolerance: float,
) -> tuple[Tensor, Tensor]:
    """Follow the velocities, and correct those that miss."""
    gauss = gauss_collocation(linear.by_position.shape[1], start.dtype, start.device)
    best = velocity.clone()
    residual = torch.full_like(start[:, 0], torch.inf)
    row = torch.arange(len(start), device=start.device)
    for _ in range(1 + _CORRECTIONS):
        shot = exponential(metric, start[row], velocity, tolerance=tolerance / 10)
        miss = _miss(metric, start[row], end[row], velocity, shot.end)
        better = miss < residual[row]
        best[row[better]], residual[row[better]] = velocity[better], miss[better]
        again = better & (miss > tolerance)
        if not again.any():
            break
        row, offset = row[again], (end[row] - shot.end)[again]
        velocity = best[row] + linear.keep(row).initial_velocity(gauss, offset)
        row, velocity = row[velocity.isfinite().all(1)], velocity[velocity.isfinite().all(1)]
    return best, torch.where(residual.isfinite(), residual, torch.nan)


def _initial(metric: Metric, points: Tensor, nodes: int) -> Float[Tensor, "b n d"]:
    """Accelerations that geodesics in the place of the curves would have."""
    gauss = gauss_collocation(nodes, points.dtype, points.device)
    z, velocity = path_velocity(points, gauss.times)
    return geodesic_acceleration(metric, z, velocity)[0]


def _miss(
    metric: Metric, start: Tensor, end: Tensor, velocity: Tensor, reached: Tensor
) -> Float[Tensor, "b"]:
    """Distance of two codes close to each other, relative to the geodesic's length."""
    length = metric_norm(metric.matrix(start), velocity)
    distance = gap(metric, reached, end)
    return torch.where((reached == end).all(1), 0, distance / torch.where(length != 0, length, 1))


def gap(
    metric: Metric, reached: Float[Tensor, "b d"], end: Float[Tensor, "b d"]
) -> Float[Tensor, "b"]:
    """Distance of codes close to each other, and 0 if they stand for the same point."""
    if isinstance(metric, ClosedFormGeodesics) and closes_up(metric):
        return metric.distance(reached, end)
    return metric_norm(metric.matrix(end), reached - end)
