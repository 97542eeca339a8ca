"""Clusters around codes of the set."""

from dataclasses import dataclass
from typing import NamedTuple, final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from geolatent.geodesics import distance_matrix
from geolatent.metrics import Metric
from geolatent.metrics.require_codes import require_codes, require_metric
from geolatent.statistics.k_means import agreement
from geolatent.statistics.sample import require_clusters, require_tensor, sample_of


@final
@dataclass(frozen=True)
class KMedoids:
    """k clusters of b codes.

    Attributes:
        medoids: indices of the codes in their middles, `(k,)`.
        labels: nearest medoid of each code, `(b,)`.
        distance: mean distance from the nearest medoid; what is minimised.
        converged: whether no exchange of a medoid for another code lowers it, and all geodesics
            converged.
        iterations: exchanges made.
        distances: between all codes, `(b, b)`.
        flat_labels: the same with Euclidean distances of the codes, `(b,)`.
        agreement: adjusted Rand index of the two labellings: 1 if the flat answer is the same.
    """

    medoids: Int[Tensor, "k"]
    labels: Int[Tensor, "b"]
    distance: float
    converged: bool
    iterations: int
    distances: Float[Tensor, "b b"]
    flat_labels: Int[Tensor, "b"]
    agreement: float

    def __str__(self) -> str:
        sizes = ", ".join(str(size) for size in torch.bincount(self.labels).tolist())
        return (
            f"{len(self.medoids)} clusters of {sizes} codes around codes "
            f"{', '.join(str(index) for index in self.medoids.tolist())}: mean distance "
            f"{self.distance:.4g}, agreement with Euclidean ones {self.agreement:.2f}"
            + ("" if self.converged else "; not converged")
        )


class _Partition(NamedTuple):
    medoids: Tensor
    labels: Tensor
    distance: float
    settled: bool
    exchanges: int


@torch.no_grad()
def k_medoids(
    metric: Metric,
    points: Float[Tensor, "b d"],
    clusters: int,
    *,
    distances: Float[Tensor, "b b"] | None = None,
    max_iterations: int = 100,
) -> KMedoids:
    r"""Partitioning around medoids: greedy choice, then the best exchange until none helps.

    .. math:: \min_{M ⊂ \{1, …, b\}, |M| = k} \tfrac1b \sum_i \min_{m ∈ M} d(x_i, x_m)

    Nothing in it is random. Geomstats alternates from random codes, of which two can be the same;
    scikit-learn has none.

    Args:
        metric: on codes.
        points: codes, `(b, d)`.
        clusters: k.
        distances: of all pairs, if they are known; those of `distance_matrix` if not given.
        max_iterations: exchanges.

    Returns:
        The clusters, and how they differ from the Euclidean ones.

    Raises:
        ValueError: codes or distances are not finite, there are fewer codes than clusters, or
            shapes do not fit together.
        TypeError: the metric is none, or codes or distances are no tensors.

    References:
        Kaufman, L., Rousseeuw, P. J. (1990). Finding Groups in Data.

        Schubert, E., Rousseeuw, P. J. (2019). Faster k-medoids clustering. arXiv 1810.05691.
    """
    require_metric(metric)
    points = sample_of(points).points
    require_codes(metric, points, name="points")
    require_clusters(clusters, len(points))
    all_converged = True
    if distances is None:
        solved = distance_matrix(metric, points, progress=False)
        distances, all_converged = solved.values, bool(solved.converged.all())
    require_tensor("distances", distances)
    if distances.shape != (len(points), len(points)):
        raise ValueError(
            f"distances must be ({len(points)}, {len(points)}), got {tuple(distances.shape)}."
        )
    bad = ~(distances.isfinite() & (distances >= 0))
    if bad.any():
        row, column = bad.nonzero()[0].tolist()
        raise ValueError(
            f"{int(bad.sum())} distances are negative or not finite, the first is "
            f"{float(distances[row, column])} between codes {row} and {column}: leave out codes "
            "that no geodesic joins to the others."
        )
    found = _partition(distances, clusters, max_iterations)
    table = torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist")
    flat = _partition(table, clusters, max_iterations)
    return KMedoids(
        medoids=found.medoids,
        labels=found.labels,
        distance=found.distance,
        converged=found.settled and all_converged,
        iterations=found.exchanges,
        distances=distances,
        flat_labels=flat.labels,
        agreement=agreement(found.labels, flat.labels),
    )


def _partition(table: Float[Tensor, "b b"], clusters: int, max_iterations: int) -> _Partition:
    medoids = _greedy(table, clusters)
    settled, exchanges = False, 0
    while exchanges < max_iterations and not settled:
        gain, out, new = _best_exchange(table, medoids)
        settled = not gain > 1e-6 * float(table[medoids].amin(0).sum())
        if not settled:
            medoids[out] = new
            exchanges += 1
    nearest = table[medoids].min(0)
    return _Partition(medoids, nearest.indices, float(nearest.values.mean()), settled, exchanges)


def _greedy(table: Tensor, clusters: int) -> Int[Tensor, "k"]:
    """One after the other, the code that lowers the sum of distances most."""
    nearest = torch.full_like(table[0], torch.inf)
    chosen: list[int] = []
    for _ in range(clusters):
        total = torch.minimum(nearest, table).sum(1)
        total[chosen] = torch.inf
        chosen.append(int(total.argmin()))
        nearest = torch.minimum(nearest, table[chosen[-1]])
    return torch.tensor(chosen, device=table.device)


def _best_exchange(table: Tensor, medoids: Tensor) -> tuple[float, int, int]:
    """How much the best exchange lowers the sum, which medoid goes, and which code comes."""
    order = table[medoids].sort(0)
    first = order.values[0]
    second = order.values[1] if len(medoids) > 1 else torch.full_like(first, torch.inf)
    # What codes gain from a new medoid whatever goes, and what those of the one that goes lose.
    gain = (first - table).clamp_min(0)
    loss = torch.minimum(table, second) - first + gain
    owner = torch.nn.functional.one_hot(order.indices[0], len(medoids)).to(table)
    change = loss @ owner - gain.sum(1, keepdim=True)
    change[medoids] = torch.inf
    best = int(change.argmin())
    new, out = divmod(best, len(medoids))
    return -float(change[new, out]), out, new
