"""Nearest neighbours in geodesic distance."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from geolatent.geodesics import connect
from geolatent.geodesics.pairs import require_finite_rows
from geolatent.metrics import ImmersedMetric, Metric
from geolatent.metrics.require_codes import require_codes, require_metric
from geolatent.statistics.sample import sample_of


@final
@dataclass(frozen=True)
class Neighbours:
    """The k nearest of b codes for each of q.

    Attributes:
        index: of the neighbours, nearest first, `(q, k)`.
        distances: from them, `(q, k)`; infinite where there is no geodesic.
        converged: whether all the geodesics of a query did, `(q,)`.
        solved: share of the q b pairs whose geodesic had to be found.
        flat_index: of the neighbours by Euclidean distance of the codes, `(q, k)`.
        overlap: share of the neighbours that are flat neighbours too, `(q,)`; 1: flat is fine.
    """

    index: Int[Tensor, "q k"]
    distances: Float[Tensor, "q k"]
    converged: Bool[Tensor, "q"]
    solved: float
    flat_index: Int[Tensor, "q k"]
    overlap: Float[Tensor, "q"]

    def __str__(self) -> str:
        queries, neighbours = self.index.shape
        failed = int((~self.converged).sum())
        return (
            f"{neighbours} nearest neighbours of {queries} codes: {float(self.overlap.mean()):.1%} "
            f"of them are flat neighbours too; {self.solved:.1%} of the geodesics had to be found"
            + (f"; {failed} codes not converged" if failed else "")
        )


@torch.no_grad()
def nearest_neighbours(
    metric: Metric,
    points: Float[Tensor, "b d"],
    queries: Float[Tensor, "q d"] | None = None,
    *,
    neighbours: int = 10,
    segments: int | None = None,
) -> Neighbours:
    r"""The codes nearest to others, from as few geodesics as decide it.

    .. math:: ‖φ(x) - φ(y)‖ \le d(x, y)

    The chord in data space bounds the distance from below: a code farther away than that from the
    query than the k-th neighbour found cannot be one. For metrics without an immersion all pairs
    are solved for. To classify or regress by neighbours, take scikit-learn's estimators behind
    `interop.GeodesicDistances`.

    Args:
        metric: on codes.
        points: codes, `(b, d)`.
        queries: codes, `(q, d)`; the points themselves, none its own neighbour, if not given.
        neighbours: k.
        segments: of the geodesics, as in `connect`.

    Returns:
        The neighbours, and how many of them are neighbours in the codes too.

    Raises:
        ValueError: codes are not finite, do not fit together, or are fewer than neighbours.
        TypeError: the metric is none, or codes are no tensors.
    """
    require_metric(metric)
    points = sample_of(points).points
    require_codes(metric, points, name="points")
    asked = points
    if queries is not None:
        require_finite_rows("queries", queries)
        asked = queries.detach()
    if asked.shape[1] != points.shape[1] or asked.dtype != points.dtype:
        raise ValueError(
            f"queries must be codes like points, got {tuple(asked.shape)} of {asked.dtype} and "
            f"{tuple(points.shape)} of {points.dtype}."
        )
    most = len(points) - (queries is None)
    if most < 1:
        raise ValueError("one code alone has no neighbours: give others, or queries.")
    if not len(asked):
        raise ValueError(f"queries must be codes, at least one, got shape {tuple(asked.shape)}.")
    if not 1 <= neighbours <= most:
        raise ValueError(f"neighbours must be between 1 and {most}, got {neighbours}.")
    bound = torch.zeros(len(asked), len(points), dtype=points.dtype, device=points.device)
    if isinstance(metric, ImmersedMetric):
        images = metric.immersion(asked), metric.immersion(points)
        bound = torch.cdist(*images, compute_mode="donot_use_mm_for_euclid_dist")
        bound = bound.nan_to_num(nan=0.0)
    flat = torch.cdist(asked, points, compute_mode="donot_use_mm_for_euclid_dist")
    if queries is None:
        flat.fill_diagonal_(torch.inf)
        bound.fill_diagonal_(torch.inf)
    length = torch.full_like(bound, torch.inf)
    converged = torch.ones(len(asked), dtype=torch.bool, device=points.device)

    def solve(pairs: Bool[Tensor, "q b"]) -> None:
        row, column = pairs.nonzero(as_tuple=True)
        if not len(row):
            return
        path = connect(metric, asked[row], points[column], segments=segments)
        length[row, column] = path.length.nan_to_num(nan=torch.inf)
        converged[row[~path.converged]] = False

    likely = torch.zeros_like(bound, dtype=torch.bool)
    likely.scatter_(1, bound.topk(neighbours, largest=False).indices, True)
    solve(likely)
    reach = length.topk(neighbours, largest=False).values[:, -1:]
    # Codes no farther off than rounding of the decoder's values allows are looked at too.
    possible = (bound <= reach * (1 + 1e-5)) & bound.isfinite() & ~likely
    solve(possible)
    nearest = length.topk(neighbours, largest=False)
    near = flat.topk(neighbours, largest=False).indices
    shared = (nearest.indices.unsqueeze(2) == near.unsqueeze(1)).any(2)
    return Neighbours(
        index=nearest.indices,
        distances=nearest.values,
        converged=converged & nearest.values.isfinite().all(1),
        solved=float((likely | possible).double().mean()),
        flat_index=near,
        overlap=shared.to(points).mean(1),
    )
