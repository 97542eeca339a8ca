"""Means of a metric without closed forms, from coarse curves to fine ones."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from geolatent.geodesics import (
    Initialisation,
    Path,
    StraightLine,
    connect,
    first_variation,
    measure,
)
from geolatent.geodesics.cubic_interpolation import refine
from geolatent.geodesics.curve_energy import curve_energy
from geolatent.geodesics.energy_minimum import result_segments
from geolatent.metrics import Metric, ReducibleMetric
from geolatent.metrics.raised_index import raise_index
from geolatent.statistics.joint_energy import JointEnergy, Star
from geolatent.statistics.joint_minimum import minimise_jointly
from geolatent.statistics.sample import Sample, group_sum, safe_ratio

_COARSEST = 4  # segments
_BENT = 8  # segments at which a curve is in the right valley
_COARSE_TOLERANCE = 1e-3  # a coarse level only has to place its curves near the finest ones
_COARSE_ITERATIONS = 30


class SolvedMean(NamedTuple):
    """Means and the geodesics from them."""

    point: Float[Tensor, "g d"]
    paths: Path
    residual: Float[Tensor, "g"]
    converged: Bool[Tensor, "g"]
    iterations: Int[Tensor, "g"]


def joint_mean(
    metric: Metric,
    sample: Sample,
    start: Float[Tensor, "g d"],
    *,
    initialisation: Initialisation,
    segments: int | None,
    tolerance: float,
    max_iterations: int,
    residuals: bool = True,
) -> SolvedMean:
    """Local minima of Fréchet's function next to the starts; see `frechet_mean`.

    Residuals that nobody asks for are NaN: they cost a quarter of the whole.
    """
    segments = result_segments(start.dtype, segments)
    if isinstance(metric, ReducibleMetric):
        metric = metric.reduced()
    energy = curve_energy(metric)
    # A curve without weight would have no energy to be bent by.
    heavy = sample.weight > 0
    problem = JointEnergy(
        energy,
        Sample(sample.points[heavy], sample.weight[heavy], sample.group[heavy], sample.count),
    )
    counted = problem.sample
    first = _COARSEST if isinstance(initialisation, StraightLine) else _BENT
    nodes = initialisation(metric, start[counted.group], counted.points, min(first, segments))
    at = problem.star(nodes, start)
    while True:
        count = at.inner.shape[1] + 1
        coarse = count < segments
        minimum = minimise_jointly(
            problem,
            at,
            tolerance=max(tolerance, _COARSE_TOLERANCE) if coarse else tolerance,
            max_iterations=_COARSE_ITERATIONS if coarse else max_iterations,
        )
        at = minimum.at
        if not coarse:
            break
        factor = 2 if count < _BENT else min(4, segments // count)
        at = problem.star(refine(problem.nodes(at), factor), at.centre)
    paths = _all_paths(metric, sample, problem, at)
    slack = torch.finfo(start.dtype).eps ** 0.5 * paths.straight_length + paths.length_error
    longer = (paths.length > paths.straight_length + slack).to(start)
    detour = group_sum(longer * heavy, sample.group, sample.count) > 0
    return SolvedMean(
        point=at.centre,
        paths=paths,
        residual=_residual(metric, sample, at.centre, paths)
        if residuals
        else torch.full_like(at.centre[:, 0], torch.nan),
        converged=minimum.converged & ~detour,
        iterations=minimum.iterations,
    )


def _all_paths(metric: Metric, sample: Sample, problem: JointEnergy, at: Star) -> Path:
    """The curves that were solved for, and geodesics to the codes without weight."""
    nodes = problem.nodes(at)
    heavy = sample.weight > 0
    if heavy.all():
        return measure(metric, nodes)
    segments = nodes.shape[1] - 1
    points = nodes.new_empty(len(sample.points), *nodes.shape[1:])
    points[heavy] = nodes
    light = connect(
        metric, at.centre[sample.group[~heavy]], sample.points[~heavy], segments=segments
    )
    points[~heavy] = light.points
    converged = torch.ones_like(heavy)
    converged[~heavy] = light.converged
    return measure(metric, points, converged=converged)


@torch.no_grad()
def _residual(
    metric: Metric, sample: Sample, point: Float[Tensor, "g d"], paths: Path
) -> Float[Tensor, "g"]:
    r"""|Σ w log| / √(Σ w d²), from the first variation of the paths' lengths.

    .. math:: \sum_i w_i \log_m x_i = -\tfrac12 G(m)^{-1}\, ∂_m \sum_i w_i\, d(m, x_i)^2
    """
    with torch.enable_grad():
        start = point[sample.group].requires_grad_()
        lengths = first_variation(metric, paths, start, sample.points)
        usable = lengths.isfinite() & (sample.weight > 0)
        total = (sample.weight * lengths.square())[usable].sum() / 2
        pull = torch.zeros_like(start)
        if total.requires_grad:
            (pull,) = torch.autograd.grad(total, start)
    covector = group_sum(pull, sample.group, sample.count)
    vector = raise_index(metric.matrix(point), covector.unsqueeze(-1)).squeeze(-1)
    square = (vector * covector).sum(-1).clamp_min(0)
    return safe_ratio(square.sqrt(), sample.total(paths.length.square()).sqrt())
