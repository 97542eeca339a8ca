"""Distances between all codes of a set."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, final, get_args

import torch
from jaxtyping import Bool, Float, Int
from joblib import Parallel, delayed
from torch import Tensor

from geolatent.geodesics.block_progress import progress_bar
from geolatent.geodesics.code_graph import CodeGraph
from geolatent.geodesics.distance_blocks import (
    PAIRS_AT_ONCE,
    DistanceBlocks,
    SolvedBlock,
    solve_pairs,
    validate_codes,
)
from geolatent.geodesics.landmarks import farthest_nodes, shortened_through_each_other
from geolatent.geodesics.require_options import require_count
from geolatent.geodesics.triangle_inequality import triangle_bounds, triangle_closure
from geolatent.metrics import Metric

MatrixMethod = Literal["exact", "graph", "landmarks"]

SEGMENTS = 32
"""Segments of the geodesics: with half as many some end in a worse minimum."""


NEIGHBOURS = 50
"""Of a code in the graph: shortest paths along few edges zigzag, by a quarter along ten."""


_SHORTENED = 1e-3  # of a distance: beyond what the solver leaves


@final
@dataclass(frozen=True, repr=False)
class DistanceMatrix:
    """Distances between codes and how they were come by.

    Every value is the length of an actual curve and in that sense an upper bound, and together they
    keep to the triangle inequality; of 'landmarks' that is true of `upper` only.

    Attributes:
        values: distances, `(m, n)`; symmetric with a zero diagonal if there is one set of codes.
            NaN where the metric is not finite along the curve.
        converged: whether the geodesic of each pair met the solver's criterion, `(m, n)`; where it
            did not, the value is the length of the best curve found. Of an approximation, whether
            the value is finite.
        shortened: whether geodesics through other codes of the set were more than 0.1 % shorter
            than the geodesic found, which then is not the shortest one, `(m, n)`. The value is
            their length. None of an approximation.
        method: exact, graph or landmarks.
        lower: lower bounds by the triangle inequality, `(m, n)`, with landmarks only. They hold as
            far as the geodesics to the landmarks are the shortest ones.
        upper: upper bounds, `(m, n)`, with landmarks only.
        sample_error: of an approximation, value / geodesic − 1 for random pairs; None if exact.
    """

    values: Float[Tensor, "m n"]
    converged: Bool[Tensor, "m n"]
    method: MatrixMethod
    shortened: Bool[Tensor, "m n"] | None = None
    lower: Float[Tensor, "m n"] | None = None
    upper: Float[Tensor, "m n"] | None = None
    sample_error: Float[Tensor, "s"] | None = None

    def __repr__(self) -> str:
        rows, columns = self.values.shape
        failed, unfinished = self.values.isnan(), ~self.converged & ~self.values.isnan()
        text = f"{rows} × {columns} distances ({self.method}): {int(failed.sum())} failed"
        if self.shortened is not None:
            text += f", {int(unfinished.sum())} not converged"
            text += f", {int(self.shortened.sum())} shorter through other codes"
        if self.sample_error is not None and len(self.sample_error):
            size = self.sample_error.abs()
            text += (
                f"; relative error of {len(size)} random pairs: median {size.median():.1%}, "
                f"95 % {size.quantile(0.95):.1%}"
            )
        return text


@torch.no_grad()
def distance_matrix(
    metric: Metric,
    points: Float[Tensor, "m d"],
    other: Float[Tensor, "n d"] | None = None,
    *,
    method: MatrixMethod = "exact",
    directory: str | os.PathLike[str] | None = None,
    workers: int = 1,
    progress: bool = True,
    segments: int = SEGMENTS,
    pairs_at_once: int = PAIRS_AT_ONCE,
    neighbours: int = NEIGHBOURS,
    landmarks: int = 32,
    sample: int = 200,
    seed: int = 0,
    **options: Any,
) -> DistanceMatrix:
    """Geodesic distances of all pairs of codes.

    'exact' solves for every geodesic, each pair once: m (m − 1) / 2 of them. A solver may end in a
    geodesic that is not the shortest; what is shorter through other codes of the set is found
    (Floyd and Warshall's algorithm, O(m³)), taken and reported, so that the values do not depend
    on any order. 'graph' takes shortest paths in the graph of neighbouring codes: lengths of
    polygons, for the price of its edges. 'landmarks' solves for the geodesics to a few codes that
    are far from each other, bounds the others by the triangle inequality and by the graph, and
    takes the middle.

    Args:
        metric: on codes; its closed form is used where it has one.
        points: codes, `(m, d)`.
        other: codes, `(n, d)`, for distances from `points` to them instead.
        method: exact, graph or landmarks.
        directory: where solved blocks of geodesics are kept, so that a run that was killed goes on
            where it was and `DistanceBlocks` can solve them elsewhere; not for 'graph'.
        workers: processes that solve blocks at the same time, each on its share of the cores; CPU
            only, and with one of them the metric need not be picklable.
        progress: show a bar in a terminal after a second.
        segments: of the geodesics, 4 times a power of two.
        pairs_at_once: geodesics solved together.
        neighbours: of the graph, with 'graph' and 'landmarks'; the more, the closer.
        landmarks: number of them.
        sample: random pairs whose geodesics measure the error of an approximation; 0 for none.
        seed: of that choice.
        **options: further ones of `connect`.

    Returns:
        The distances, which of them converged, and for approximations bounds and measured errors.
        Nothing is raised for pairs that fail: where the metric is not finite along the curve, the
        value is NaN and `converged` false; where the solver met no criterion, the value is the
        length of its best curve, an upper bound, and `converged` false. The printed result counts
        both, `(~result.converged).nonzero()` lists them.

    Raises:
        ValueError: an option is out of its range, codes do not fit together, or the directory
            holds the distances of another run.
    """
    validate_codes(metric, points, other)
    if method not in get_args(MatrixMethod):
        raise ValueError(f"method must be one of {get_args(MatrixMethod)}, got {method!r}.")
    if method == "graph" and directory is not None:
        raise ValueError("method 'graph' keeps no blocks on disk; leave directory out.")
    require_count(landmarks=landmarks, workers=workers)
    if sample < 0:
        raise ValueError(f"sample must not be negative, got {sample}.")
    if workers > 1 and points.device.type != "cpu":
        raise ValueError(f"workers share the CPU's cores, but the codes are on {points.device}.")
    points, other = points.detach(), None if other is None else other.detach()
    options["segments"] = segments
    to_disk: dict[str, Any] = {"directory": directory, "pairs_at_once": pairs_at_once}
    rows, columns = points, points if other is None else other
    codes = points if other is None else torch.cat([points, other])
    if method == "exact" or not len(rows) or not len(columns) or len(codes) < 2:
        blocks = DistanceBlocks(metric, points, other, **to_disk, **options)
        return _exact(
            blocks, (len(rows), len(columns)), other is None, workers=workers, progress=progress
        )

    graph = CodeGraph(metric, codes, neighbours=neighbours)
    upper = graph.node_distances(torch.arange(len(rows), device=codes.device))
    upper = upper[:, len(codes) - len(columns) :]
    lower = None
    if method == "landmarks":
        chosen = farthest_nodes(graph, landmarks)
        blocks = DistanceBlocks(metric, codes[chosen], codes, **to_disk, **options)
        shape = (len(chosen), len(codes))
        solved, _ = _collected(blocks, shape, workers=workers, progress=progress)
        known = shortened_through_each_other(
            torch.fmin(solved, graph.node_distances(chosen)), chosen
        )
        lower, ways = triangle_bounds(known[:, : len(rows)], known[:, len(codes) - len(columns) :])
        upper = torch.minimum(upper, ways)
    if other is None:
        upper = torch.minimum(upper, upper.T)  # sums of the same edges in another order
    values = upper
    if lower is not None:
        lower = torch.minimum(lower, upper)
        values = torch.lerp(lower, upper, 0.5)
    values = torch.where(values.isfinite(), values, torch.nan)
    pairs = _random_pairs(values, other is None, sample, seed)
    geodesic = solve_pairs(metric, rows[pairs[0]], columns[pairs[1]], **options).length
    reference = torch.fmin(geodesic, upper[pairs])
    error = values[pairs] / reference - 1
    return DistanceMatrix(
        values,
        values.isfinite(),
        method,
        lower=lower,
        upper=upper if method == "landmarks" else None,
        sample_error=error[error.isfinite()],
    )


def _exact(
    blocks: DistanceBlocks, shape: tuple[int, int], one_set: bool, *, workers: int, progress: bool
) -> DistanceMatrix:
    """Every geodesic, or what is shorter through others."""
    values, converged = _collected(blocks, shape, workers=workers, progress=progress)
    if one_set:
        values, converged = values.fill_diagonal_(0), converged.fill_diagonal_(True)
        values, converged = torch.fmin(values, values.T), converged | converged.T
        best = triangle_closure(values)
    else:
        between = values.new_full((sum(shape), sum(shape)), torch.nan)
        between[: shape[0], shape[0] :] = values
        between[shape[0] :, : shape[0]] = values.T
        best = triangle_closure(between)[: shape[0], shape[0] :]
    shortened = best < values * (1 - _SHORTENED)
    return DistanceMatrix(
        torch.where(values.isnan(), values, best), converged, "exact", shortened=shortened
    )


def _collected(
    blocks: DistanceBlocks, shape: tuple[int, int], *, workers: int, progress: bool
) -> tuple[Float[Tensor, "m n"], Bool[Tensor, "m n"]]:
    """Distances and convergence of the pairs of all blocks; NaN and false elsewhere."""
    values = blocks.points.new_full(shape, torch.nan)
    converged = torch.zeros(shape, dtype=torch.bool, device=values.device)
    order = range(len(blocks))
    solved: Iterable[SolvedBlock] = map(blocks.solve, order)
    if workers > 1:
        jobs = (delayed(blocks.solve)(block) for block in order)
        solved = Parallel(n_jobs=workers, return_as="generator")(jobs)
    bar = progress_bar(order, title="geodesics") if progress else order
    for block, found in zip(bar, solved, strict=True):
        row, column = blocks.pairs_of(block).T
        values[row, column], converged[row, column] = found
    return values, converged


def _random_pairs(
    values: Tensor, one_set: bool, count: int, seed: int
) -> tuple[Int[Tensor, "s"], Int[Tensor, "s"]]:
    """Rows and columns of random pairs, of different codes."""
    generator = torch.Generator().manual_seed(seed)
    rows, columns = values.shape
    row = torch.randint(rows, (count,), generator=generator)
    if one_set:
        column = (row + torch.randint(1, columns, (count,), generator=generator)) % columns
    else:
        column = torch.randint(columns, (count,), generator=generator)
    return row.to(values.device), column.to(values.device)
