"""Fréchet means: the codes with the least sum of squared geodesic distances."""

import math
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from geolatent.geodesics import Initialisation, Path, StraightLine, connect
from geolatent.metrics import ClosedFormGeodesics, Metric
from geolatent.metrics.require_codes import require_codes, require_metric
from geolatent.statistics.exp_log_iteration import exp_log_iteration
from geolatent.statistics.joint_mean import SolvedMean, joint_mean
from geolatent.statistics.mean_starts import mean_starts
from geolatent.statistics.sample import Sample, safe_ratio, sample_of


@final
@dataclass(frozen=True)
class FrechetMean:
    """Means of g groups of codes, b codes in all.

    Attributes:
        point: the means, `(g, d)`.
        variance: Fréchet variance, the weighted mean of squared distances from the mean, `(g,)`,
            in squared units of the metric. NaN where a curve could not be measured.
        residual: norm of the weighted mean of log maps at the mean, over the root of the
            variance, `(g,)`. It is 0 at a stationary point, and about how far the mean is off in
            standard deviations of the data. NaN where the metric is singular at the mean.
        converged: whether the solver met its criterion, `(g,)`. A converged mean is a local
            minimum; see `spread_of_minima`.
        iterations: evaluations of all curves of the group, `(g,)`.
        paths: geodesics from its mean to each code, `(b)`; their lengths are the distances.
        group: the mean of each code, `(b,)`, counted from 0.
        labels: what number the group of each mean has in `groups`, `(g,)`, in ascending order.
        flat_point: arithmetic means, `(g, d)`.
        displacement: geodesic distance from arithmetic to Fréchet mean, `(g,)`; 0 where they
            are the same but for rounding.
        displacement_converged: whether its geodesic did, `(g,)`; false: an upper bound, or NaN.
        effective_size: number of codes of equal weight that the weights are worth, `(g,)`.
        spread_of_minima: greatest distance between the means that several starts led to, measured
            along straight lines, over the root of the variance, `(g,)`; NaN with one start. Far
            above the residual: the mean is not unique, and what `point` is, is the best of them.
    """

    point: Float[Tensor, "g d"]
    variance: Float[Tensor, "g"]
    residual: Float[Tensor, "g"]
    converged: Bool[Tensor, "g"]
    iterations: Int[Tensor, "g"]
    paths: Path
    group: Int[Tensor, "b"]
    labels: Int[Tensor, "g"]
    flat_point: Float[Tensor, "g d"]
    displacement: Float[Tensor, "g"]
    displacement_converged: Bool[Tensor, "g"]
    effective_size: Float[Tensor, "g"]
    spread_of_minima: Float[Tensor, "g"]

    @property
    def standard_error(self) -> Float[Tensor, "g"]:
        r"""√(variance / (n − 1)), the length of the mean's standard error.

        Up to a factor that curvature adds (at most that of a sphere of the data's radius). NaN for
        one code alone.
        """
        free = self.effective_size - 1
        enough = free > 1e-6
        return torch.where(enough, (self.variance / torch.where(enough, free, 1)).sqrt(), torch.nan)

    @property
    def displacement_in_errors(self) -> Float[Tensor, "g"]:
        """Displacement over standard error: well below 1, the arithmetic mean is fine."""
        return safe_ratio(self.displacement, self.standard_error)

    @property
    def displacement_in_spreads(self) -> Float[Tensor, "g"]:
        """Displacement over the root of the variance: it does not shrink with more codes."""
        return safe_ratio(self.displacement, self.variance.sqrt())

    def __str__(self) -> str:
        return "\n".join(self._line(index) for index in range(len(self.point)))

    def _line(self, index: int) -> str:
        text = f"mean {int(self.labels[index])}: variance {float(self.variance[index]):.4g}, "
        errors = float(self.displacement_in_errors[index])
        off = f"{float(self.displacement_in_spreads[index]):.2%} of the spread"
        if self.effective_size[index] - 1 <= 1e-6:
            text += "of one code, which is its own mean"
        elif not math.isfinite(errors):
            text += f"arithmetic mean {off} away"
        else:
            text += f"arithmetic mean {errors:.2g} standard errors ({off}) away"
        if not self.displacement_converged[index]:
            text += "; its geodesic not converged"
        return text + ("" if self.converged[index] else "; not converged")


@torch.no_grad()
def frechet_mean(
    metric: Metric,
    points: Float[Tensor, "b d"],
    *,
    weights: Float[Tensor, "b"] | None = None,
    groups: Int[Tensor, "b"] | None = None,
    starts: int = 1,
    initialisation: Initialisation | None = None,
    segments: int | None = None,
    tolerance: float | None = None,
    max_iterations: int = 200,
) -> FrechetMean:
    r"""Means of groups of codes in a metric, and how far the arithmetic means are from them.

    .. math:: m = \arg\min_z \sum_i w_i\, d(z, x_i)^2, \qquad \sum_i w_i = 1

    Mean and geodesics are solved for together: the unknowns are the mean and all the curves from it
    to the codes, the objective is the weighted sum of their energies, and every quasi-Newton step
    moves all of them. Alternating instead would solve for every geodesic before each step of the
    mean. Where the metric knows its geodesics, m ← exp_m(Σ w log_m x) is iterated.

    Args:
        metric: on codes.
        points: codes, `(b, d)`, floating point.
        weights: `(b,)`, not negative; equal if not given. Only their ratios within a group matter.
        groups: the group of each code, `(b,)`, by any whole numbers; one group if not given.
        starts: of each group: the arithmetic mean, then codes of the group that are far from it
            and each other. All are solved for, the one of least variance is kept.
        initialisation: of the curves; straight lines if not given.
        segments: of the curves, as in `connect`.
        tolerance: relative decrease of the variance at which a group has converged; 1e-6 in
            float32 and 1e-12 in float64 if not given.
        max_iterations: evaluations at the finest level.

    Returns:
        One mean for each group, in the order of their numbers (`labels`).

    Raises:
        ValueError: no codes, a code that is not finite or that the metric does not take, weights
            that are negative or all zero in a group, or an option out of its range.
        TypeError: the metric is none, or codes, weights or groups are no tensors.

    References:
        Rygaard, F. M., Hauberg, S., Markvorsen, S. (2025). Simultaneous optimization of geodesics
        and Fréchet means. arXiv 2511.04301. The idea to solve for both at once is theirs; they
        iterate on the conditions of a control problem, here the energy is minimised.

        Karcher, H. (1977). Riemannian center of mass and mollifier smoothing.
    """
    require_metric(metric)
    sample = sample_of(points, weights, groups)
    require_codes(metric, sample.points, name="points")
    if starts < 1 or max_iterations < 1 or not (tolerance is None or tolerance > 0):
        raise ValueError(
            "starts and max_iterations must be at least 1 and tolerance positive, got "
            f"{starts}, {max_iterations} and {tolerance}."
        )
    flat = sample.total(sample.points)
    start = mean_starts(sample, flat, starts)
    # Every start is a group of its own.
    spread = Sample(
        sample.points.repeat(starts, 1),
        sample.weight.repeat(starts),
        torch.cat([sample.group + sample.count * index for index in range(starts)]),
        sample.count * starts,
    )
    solved = solve_means(
        metric,
        spread,
        start.flatten(0, 1),
        initialisation=initialisation,
        segments=segments,
        tolerance=tolerance,
        max_iterations=max_iterations,
    )
    means = solved.point.unflatten(0, (starts, sample.count))
    variances = spread.total(solved.paths.length.square()).unflatten(0, (starts, sample.count))
    best = variances.nan_to_num(nan=torch.inf).argmin(0)
    each = torch.arange(sample.count, device=points.device)
    row = torch.arange(len(points), device=points.device) + len(points) * best[sample.group]
    paths = solved.paths[row]
    point, variance = means[best, each], variances[best, each]
    chosen = best * sample.count + each
    away = connect(metric, flat, point, segments=segments)
    labels = torch.zeros(1, dtype=torch.long) if groups is None else groups.unique().long()
    return FrechetMean(
        point=point,
        variance=variance,
        residual=solved.residual[chosen],
        converged=solved.converged[chosen] & variance.isfinite(),
        iterations=solved.iterations[chosen],
        paths=paths,
        group=sample.group,
        labels=labels.to(points.device),
        flat_point=flat,
        displacement=away.length.masked_fill(_same(flat, point), 0),
        displacement_converged=away.converged,
        effective_size=sample.effective_size(),
        spread_of_minima=_spread_of_minima(metric, means, point, variance),
    )


def solve_means(
    metric: Metric,
    sample: Sample,
    start: Float[Tensor, "g d"],
    *,
    initialisation: Initialisation | None = None,
    segments: int | None = None,
    tolerance: float | None = None,
    max_iterations: int = 200,
    residuals: bool = True,
) -> SolvedMean:
    """The means next to the starts, by what the metric allows; options as in `frechet_mean`."""
    if tolerance is None:
        tolerance = 1e-12 if torch.finfo(start.dtype).eps < 1e-10 else 1e-6
    if isinstance(metric, ClosedFormGeodesics):
        return exp_log_iteration(
            metric, sample, start, tolerance=tolerance, max_iterations=max_iterations
        )
    return joint_mean(
        metric,
        sample,
        start,
        initialisation=initialisation or StraightLine(),
        segments=segments,
        tolerance=tolerance,
        max_iterations=max_iterations,
        residuals=residuals,
    )


def _same(a: Float[Tensor, "g d"], b: Float[Tensor, "g d"]) -> Bool[Tensor, "g"]:
    """Which points are equal but for rounding."""
    return ((a - b).abs() <= 8 * torch.finfo(a.dtype).eps * b.abs()).all(1)


def _spread_of_minima(
    metric: Metric, means: Float[Tensor, "s g d"], point: Tensor, variance: Tensor
) -> Float[Tensor, "g"]:
    starts, count = means.shape[:2]
    if starts == 1:
        return torch.full_like(variance, torch.nan)
    offset = means - point
    middle = (means + point) / 2
    matrix = metric.matrix(middle.flatten(0, 1)).unflatten(0, (starts, count))
    square = torch.einsum("sgi,sgij,sgj->sg", offset, matrix, offset)
    return safe_ratio(square.clamp_min(0).sqrt().amax(0), variance.sqrt())
