"""Means of metrics that know their geodesics."""

import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.geodesics import connect, exponential, logarithm
from geolatent.geodesics.geodesic_flow import metric_norm
from geolatent.metrics import Metric
from geolatent.statistics.joint_mean import SolvedMean
from geolatent.statistics.sample import Sample, safe_ratio

_SHORTEST_STEP = 1e-3
_NEGLIGIBLE = 2e-3  # of the tolerance, as for curves that are minimised


def exp_log_iteration(
    metric: Metric,
    sample: Sample,
    start: Float[Tensor, "g d"],
    *,
    tolerance: float,
    max_iterations: int,
) -> SolvedMean:
    r"""Gradient descent on Fréchet's function along geodesics.

    .. math:: m ← \exp_m \Big(τ \sum_i w_i \log_m x_i\Big)

    with τ = 1, halved as long as the variance grows. A group has converged when the mean of its
    log maps predicts a relative decrease of the variance by less than 0.002 of the tolerance, or is
    within rounding.

    Args:
        metric: with closed forms.
        sample: codes, weights and groups.
        start: initial means, `(g, d)`.
        tolerance: see above.
        max_iterations: steps of one group.

    Returns:
        The means and the geodesics from them.
    """
    point = start.clone()
    step = torch.ones_like(start[:, 0])
    velocity, variance = _mean_velocity(metric, sample, point)
    iterations = torch.ones_like(step, dtype=torch.long)
    # Rounding of codes far from the origin moves the mean by this much.
    reach = torch.zeros_like(start[:, 0]).scatter_reduce(
        0, sample.group, sample.points.abs().amax(1), "amax"
    )
    blur = 8 * torch.finfo(start.dtype).eps * reach
    for evaluation in range(1, max_iterations + 1):
        size = metric_norm(metric.matrix(point), velocity)
        converged = size <= torch.maximum((_NEGLIGIBLE * tolerance * variance).sqrt(), blur)
        moving = ~converged & (step > _SHORTEST_STEP) & velocity.isfinite().all(1)
        iterations = torch.where(moving, evaluation, iterations)
        if not moving.any() or evaluation == max_iterations:
            break
        move = torch.where(moving[:, None], step[:, None] * velocity, 0)
        trial = torch.where(moving[:, None], exponential(metric, point, move).end, point)
        safe = torch.where(trial.isfinite().all(1, keepdim=True), trial, point)
        trial_velocity, trial_variance = _mean_velocity(metric, sample, safe)
        # The least decrease a step that is not too long makes, less what rounding takes from it.
        slack = 64 * torch.finfo(start.dtype).eps * variance
        wanted = variance - 1e-4 * step * size.square() + slack
        better = moving & (trial_variance <= wanted) & trial.isfinite().all(1)
        point = torch.where(better[:, None], trial, point)
        velocity = torch.where(better[:, None], trial_velocity, velocity)
        variance = torch.where(better, trial_variance, variance)
        step = torch.where(moving & ~better, step / 2, step)
    paths = connect(metric, point[sample.group], sample.points)
    residual = safe_ratio(size, variance.sqrt())
    return SolvedMean(point, paths, residual, converged, iterations)


def _mean_velocity(
    metric: Metric, sample: Sample, point: Float[Tensor, "g d"]
) -> tuple[Float[Tensor, "g d"], Float[Tensor, "g"]]:
    found = logarithm(metric, point[sample.group], sample.points)
    return sample.total(found.velocity), sample.total(found.length.square())
