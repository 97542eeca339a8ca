"""Clusters around Fréchet means."""

from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from geolatent.geodesics import connect
from geolatent.metrics import Metric
from geolatent.metrics.require_codes import require_codes, require_metric
from geolatent.statistics.frechet_mean import solve_means
from geolatent.statistics.joint_mean import SolvedMean
from geolatent.statistics.sample import require_clusters, sample_of

_SEGMENTS = 16  # of geodesics: clusters need distances to a few digits


@final
@dataclass(frozen=True)
class KMeans:
    """k clusters of b codes.

    Attributes:
        centres: Fréchet means of the clusters, `(k, d)`.
        labels: nearest centre of each code, `(b,)`.
        distances: from it, `(b,)`.
        variance: mean squared distance from the nearest centre; what is minimised.
        converged: whether the labels stopped changing, and all means and all geodesics that decided
            on labels or seeds converged.
        iterations: of the best restart.
        variances: of all restarts, `(r,)`; where they differ, minima do.
        flat_labels: of Euclidean k-means on the codes, with as many restarts, `(b,)`.
        agreement: adjusted Rand index of the two labellings: 1 if the flat answer is the same, 0
            if it is no better than chance.
    """

    centres: Float[Tensor, "k d"]
    labels: Int[Tensor, "b"]
    distances: Float[Tensor, "b"]
    variance: float
    converged: bool
    iterations: int
    variances: Float[Tensor, "r"]
    flat_labels: Int[Tensor, "b"]
    agreement: float

    def __str__(self) -> str:
        sizes = ", ".join(str(size) for size in torch.bincount(self.labels).tolist())
        return (
            f"{len(self.centres)} clusters of {sizes} codes: variance {self.variance:.4g}, "
            f"agreement with Euclidean k-means {self.agreement:.2f}"
            + ("" if self.converged else "; not converged")
        )


class _Run(NamedTuple):
    centres: Tensor
    labels: Tensor
    distances: Tensor
    converged: bool
    iterations: int


@torch.no_grad()
def k_means(
    metric: Metric,
    points: Float[Tensor, "b d"],
    clusters: int,
    *,
    restarts: int = 4,
    seed: int = 0,
    segments: int = _SEGMENTS,
    max_iterations: int = 50,
) -> KMeans:
    r"""Lloyd's algorithm with geodesic distances and Fréchet means.

    .. math:: \min_{m, k} \tfrac1b \sum_i d(x_i, m_{k(i)})^2

    The means of all clusters are solved for together, and their geodesics are the distances that
    the next assignment needs. Others are solved for only where the triangle inequality leaves open
    whether the label changes. Geomstats' k-means takes its seeds from global random states,
    restarts nothing and tells nothing of convergence, hence this one.

    Args:
        metric: on codes.
        points: codes, `(b, d)`.
        clusters: k.
        restarts: from seeds of their own, by k-means++; the best is kept.
        seed: of the choice of seeds.
        segments: of the geodesics, as in `connect`.
        max_iterations: of each restart.

    Returns:
        The clusters, and how they differ from the Euclidean ones.

    Raises:
        ValueError: codes are not finite or do not fit the metric, there are fewer than clusters, or
            an option is out of its range.
        TypeError: the metric is none, or the codes are no tensor.

    References:
        Arthur, D., Vassilvitskii, S. (2007). k-means++: the advantages of careful seeding.

        Elkan, C. (2003). Using the triangle inequality to accelerate k-means.
    """
    require_metric(metric)
    points = sample_of(points).points
    require_codes(metric, points, name="points")
    require_clusters(clusters, len(points))
    if restarts < 1 or max_iterations < 1:
        raise ValueError(
            f"restarts and max_iterations must be at least 1, got {restarts} and {max_iterations}."
        )
    generator = torch.Generator().manual_seed(seed)
    runs = []
    for _ in range(restarts):
        centres, between, known = _seeds(metric, points, clusters, generator, segments)
        run = _lloyd(metric, points, centres, between, segments, max_iterations)
        runs.append(run._replace(converged=run.converged and known))
    variances = torch.stack([run.distances.square().mean() for run in runs])
    best = runs[int(variances.nan_to_num(nan=torch.inf).argmin())]
    flat = _flat_labels(points, clusters, restarts, seed)
    return KMeans(
        centres=best.centres,
        labels=best.labels,
        distances=best.distances,
        variance=float(best.distances.square().mean()),
        converged=best.converged,
        iterations=best.iterations,
        variances=variances,
        flat_labels=flat,
        agreement=agreement(best.labels, flat),
    )


def agreement(one: Int[Tensor, "b"], other: Int[Tensor, "b"]) -> float:
    """Adjusted Rand index of two labellings."""
    from sklearn.metrics import adjusted_rand_score  # slow to import

    return float(adjusted_rand_score(one.cpu().numpy(), other.cpu().numpy()))


def _seeds(
    metric: Metric, points: Tensor, clusters: int, generator: torch.Generator, segments: int
) -> tuple[Float[Tensor, "k d"], Float[Tensor, "b k"], bool]:
    """Codes far from each other, by k-means++, the distances from them, and whether all are."""
    chosen = [int(torch.randint(len(points), (1,), generator=generator))]
    found = [_distances(metric, points[chosen[0]], points, segments)]
    for _ in range(clusters - 1):
        nearest = torch.stack([column for column, _ in found], 1).amin(1).square()
        nearest = torch.where(nearest.isfinite(), nearest, 0)  # no geodesic leads there
        if not nearest.sum() > 0:  # fewer different codes than clusters
            nearest = torch.ones_like(nearest)
        index = int(torch.multinomial(nearest.double().cpu(), 1, generator=generator))
        chosen.append(index)
        found.append(_distances(metric, points[index], points, segments))
    columns, converged = zip(*found, strict=True)
    return points[chosen], torch.stack(columns, 1), all(converged)


def _lloyd(
    metric: Metric,
    points: Tensor,
    centres: Tensor,
    lower: Float[Tensor, "b k"],
    segments: int,
    max_iterations: int,
) -> _Run:
    labels = lower.argmin(1)
    own = lower.gather(1, labels[:, None])[:, 0]
    known = torch.zeros(len(centres), dtype=torch.bool, device=points.device)
    solved = torch.full_like(labels, -1)  # the labels that centres and distances belong to
    for iteration in range(1, max_iterations + 1):
        labels = _no_cluster_empty(labels, own, len(centres))
        if torch.equal(labels, solved):  # what filled an empty cluster goes back and forth
            own = lower.gather(1, labels[:, None])[:, 0]
            return _Run(centres, labels, own, False, iteration)
        # The mean of a cluster that has kept its codes stays where it is.
        changed = torch.zeros_like(known)
        changed[labels[labels != solved]] = True
        changed[solved[(labels != solved) & (solved >= 0)]] = True
        rows = changed[labels]
        found = _means(metric, points[rows], labels[rows], segments)
        known[changed] = found.converged
        # Too long a way bounds too little: more pairs are open, none is decided wrongly.
        moved = torch.zeros_like(centres[:, 0])
        moved[changed] = connect(
            metric, centres[changed], found.point, segments=segments
        ).length.nan_to_num(nan=torch.inf)
        centres = centres.index_put((changed,), found.point)
        own = own.index_put((rows,), found.paths.length)
        solved = labels
        # A code without a geodesic has no label that means anything.
        all_found = bool(known.all() and own.isfinite().all())
        lower = (lower - moved).nan_to_num(nan=0.0).clamp_min(0)
        lower.scatter_(1, labels[:, None], own[:, None])
        open_ = lower < own[:, None]
        open_.scatter_(1, labels[:, None], torch.zeros_like(labels[:, None], dtype=torch.bool))
        rows, columns = open_.nonzero(as_tuple=True)
        if len(rows):
            path = connect(metric, centres[columns], points[rows], segments=segments)
            lower[rows, columns] = path.length.nan_to_num(nan=torch.inf)
            all_found &= bool(path.converged.all())
        # A tie, or a difference within rounding, keeps the label.
        own_or_less = own * (1 - 8 * torch.finfo(own.dtype).eps)
        better = lower.amin(1) < own_or_less
        new = torch.where(better, lower.argmin(1), labels)
        own = lower.gather(1, new[:, None])[:, 0]
        if torch.equal(new, labels):
            return _Run(centres, labels, own, all_found, iteration)
        labels = new
    return _Run(centres, labels, own, False, max_iterations)


def _means(metric: Metric, points: Tensor, labels: Tensor, segments: int) -> SolvedMean:
    """Fréchet means of clusters, in the order of their labels."""
    sample = sample_of(points, groups=labels)
    start = sample.total(sample.points)
    return solve_means(metric, sample, start, segments=segments, residuals=False)


def _no_cluster_empty(labels: Tensor, own: Tensor, clusters: int) -> Tensor:
    """Codes far from their centres as clusters of their own in place of empty ones."""
    labels, gap = labels.clone(), own.nan_to_num(nan=0.0).clone()
    for cluster in range(clusters):
        if not (labels == cluster).any():
            alone = torch.bincount(labels, minlength=clusters)[labels] == 1
            far = int(torch.where(alone, -1, gap).argmax())
            labels[far], gap[far] = cluster, 0
    return labels


def _distances(
    metric: Metric, centre: Float[Tensor, "d"], points: Tensor, segments: int
) -> tuple[Float[Tensor, "b"], bool]:
    path = connect(metric, centre.expand_as(points).contiguous(), points, segments=segments)
    return path.length.nan_to_num(nan=torch.inf), bool(path.converged.all())


def _flat_labels(points: Tensor, clusters: int, restarts: int, seed: int) -> Int[Tensor, "b"]:
    from sklearn.cluster import KMeans as EuclideanKMeans  # slow to import

    codes: Any = points.cpu().numpy().astype(np.float64)
    distinct = min(clusters, len(np.unique(codes, axis=0)))
    labels = EuclideanKMeans(distinct, n_init=restarts, random_state=seed).fit(codes).labels_
    return torch.as_tensor(labels, dtype=torch.long, device=points.device)
