"""The graph of neighbouring codes: coarse routes through where the data are."""

from collections.abc import Iterator
from typing import NamedTuple, final

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, dijkstra
from torch import Tensor
from typing_extensions import override

from geolatent.geodesics.arc_length import straight_length
from geolatent.geodesics.initialisation import Initialisation
from geolatent.geodesics.measure import straight_points
from geolatent.geodesics.polyline import equalise, resample, smooth
from geolatent.geodesics.require_options import require_count
from geolatent.metrics import Metric
from geolatent.metrics.require_codes import require_codes

_ENTRIES_AT_ONCE = 2**22  # of a table of distances from some sources to all nodes: 50 MB
_FINEST = 32  # segments, at least, on which a route is smoothed before it is thinned out


class _Routes(NamedTuple):
    """Shortest paths of some pairs as corners, the start repeated where a path has fewer."""

    pairs: np.ndarray  # which ones
    corners: Tensor  # (b, c, d)
    arrival: Tensor  # (b, c), lengths from the start
    length: Tensor  # (b,), infinite where there is no route


@final
class CodeGraph(Initialisation):
    r"""Codes joined to their nearest neighbours by edges as long as the metric says.

    .. math:: w_{ij} = \int_0^1 \sqrt{Δ^\top G(z_i + t Δ)\, Δ}\; dt, \qquad Δ = z_j - z_i

    A shortest path runs where there are data and around holes that a straight line cuts through.
    It is an actual curve: its length is an upper bound of the distance.

    Args:
        metric: that the edges are measured in.
        codes: of the data, `(m, d)`, any number of dimensions.
        neighbours: that every code is joined to, nearest in coordinates.

    Attributes:
        codes: as given, `(m, d)`.
        neighbours: as given.
        edges: pairs of codes, `(e, 2)`, the smaller index first.
        lengths: of the edges in the metric, `(e,)`.
        links: how many edges had to be added because the neighbours alone leave several components;
            each joins a component to the code outside that is nearest to it. They are the last ones
            of `edges`.

    Raises:
        ValueError: fewer than two codes, a code that is not finite or does not fit the metric, or
            no neighbours asked for.
    """

    @torch.no_grad()
    def __init__(
        self, metric: Metric, codes: Float[Tensor, "m d"], *, neighbours: int = 10
    ) -> None:
        from sklearn.neighbors import NearestNeighbors  # slow to import

        require_codes(metric, codes)
        if codes.ndim != 2 or codes.shape[0] < 2 or not codes.isfinite().all():
            raise ValueError(f"codes must be (m, d), m > 1, and finite, got {tuple(codes.shape)}.")
        require_count(neighbours=neighbours)
        self.codes = codes.detach()
        self.neighbours = neighbours
        self._metric = metric
        count = min(neighbours, codes.shape[0] - 1)
        self._search = NearestNeighbors(n_neighbors=count).fit(_array(self.codes))
        nearest = self._search.kneighbors(return_distance=False)
        source = np.repeat(np.arange(len(nearest)), count)
        pairs = np.sort(np.stack([source, nearest.ravel()], axis=1), axis=1)
        near = np.unique(pairs, axis=0)
        links = _links(_array(self.codes), near)
        self.links = len(links)
        edges = np.concatenate([near, links]).astype(np.int64)
        self.edges: Int[Tensor, "e 2"] = torch.from_numpy(edges).to(codes.device)
        self.lengths: Float[Tensor, "e"] = straight_length(
            metric, self.codes[self.edges[:, 0]], self.codes[self.edges[:, 1]]
        )

    @override
    @torch.no_grad()
    def __call__(
        self,
        metric: Metric,
        start: Float[Tensor, "b d"],
        end: Float[Tensor, "b d"],
        segments: int,
    ) -> Float[Tensor, "b t d"]:
        """Shortest paths, smoothed as far as that lowers their energy, at constant speed.

        Both ends of a pair may be any codes: they are joined to the nodes nearest to them, and to
        each other if the end is as near as those.

        Args:
            metric: for speed and energy; the route was chosen by the graph's own.
            start: codes, `(b, d)`.
            end: codes, `(b, d)`.
            segments: of the result.

        Returns:
            Curves of `segments + 1` points; the straight line where there is no route.
        """
        thinning = -(-_FINEST // segments)
        points = start.new_empty(len(start), segments + 1, start.shape[1])
        for routes in self._routes(start, end):
            lost = ~routes.length.isfinite()
            times = torch.linspace(0, 1, routes.arrival.shape[1], dtype=torch.float64)
            arrival = torch.where(lost[:, None], times.to(start.device), routes.arrival)
            corners = routes.corners
            straight = straight_points(corners[:, 0], corners[:, -1], corners.shape[1] - 1)
            corners = torch.where(lost[:, None, None], straight, corners)
            curves = resample(corners, arrival, thinning * segments)
            curves = equalise(metric, smooth(metric, curves))
            points[torch.from_numpy(routes.pairs)] = curves[:, ::thinning]
        return points

    @torch.no_grad()
    def distances(
        self, start: Float[Tensor, "b d"], end: Float[Tensor, "b d"]
    ) -> Float[Tensor, "b"]:
        """Upper bounds of geodesic distances: a shortest path or the straight line if that is less.

        Args:
            start: codes, `(b, d)`, any.
            end: codes, `(b, d)`, any.

        Returns:
            Lengths of actual curves, `(b,)`; infinite where the metric is finite on neither.
        """
        bound = straight_length(self._metric, start, end)
        bound = torch.where(bound.isfinite(), bound, torch.inf)
        for routes in self._routes(start, end):
            pairs = torch.from_numpy(routes.pairs)
            bound[pairs] = torch.minimum(bound[pairs], routes.length.to(bound))
        return bound

    def node_distances(self, nodes: Int[Tensor, "s"]) -> Float[Tensor, "s m"]:
        """Lengths of the shortest paths from some nodes to all, infinite where there is none."""
        size = len(self.codes)
        source, target, length = self._both_directions()
        graph = coo_array((length, (source, target)), shape=(size, size)).tocsr()
        rows = max(1, _ENTRIES_AT_ONCE // len(self.codes))
        tables = [
            torch.from_numpy(dijkstra(graph, indices=part.cpu().numpy())).to(self.codes)
            for part in nodes.split(rows)
        ]
        return torch.cat(tables) if tables else self.codes.new_empty(0, len(self.codes))

    def _both_directions(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Every edge that has a length, there and back."""
        usable = self.lengths.isfinite()
        edges, length = self.edges[usable].cpu().numpy(), _array(self.lengths[usable])
        source, target = np.concatenate([edges, edges[:, ::-1]]).T
        return source, target, np.tile(length, 2)

    def _joined(self, points: Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Nodes near each point, the lengths of the ways there, and how far in coordinates."""
        reach, nodes = self._search.kneighbors(_array(points))
        index = torch.from_numpy(nodes.ravel()).to(points.device)
        repeated = points.repeat_interleave(nodes.shape[1], dim=0)
        length = straight_length(self._metric, repeated, self.codes[index])
        return nodes, _array(length).reshape(nodes.shape), reach[:, -1]

    def _routes(self, start: Tensor, end: Tensor) -> Iterator[_Routes]:
        """Shortest paths, block by block of those with the same starts.

        A block's graph has its starts as additional nodes that only lead away, and its ends as
        nodes that only lead in, so that no path takes a short cut through another pair's ends.
        """
        if not len(start):
            return
        _, first, which = np.unique(_array(start), axis=0, return_index=True, return_inverse=True)
        order = np.argsort(which.ravel(), kind="stable")
        which = which.ravel()[order]
        pairs_per_start = len(start) / len(first)
        entries = len(self.codes) + int(pairs_per_start)
        sources = max(1, _ENTRIES_AT_ONCE // entries)
        for low in range(0, len(first), sources):
            high = min(low + sources, len(first))
            chosen = slice(*np.searchsorted(which, [low, high]))
            yield self._block(start[first[low:high]], end, order[chosen], which[chosen] - low)

    def _block(self, starts: Tensor, end: Tensor, pairs: np.ndarray, which: np.ndarray) -> _Routes:
        """Shortest paths from some starts to the ends of the pairs, `which` start is whose."""
        ends = end[torch.from_numpy(pairs)]
        nodes, sources = len(self.codes), len(starts)
        size = nodes + sources + len(ends)
        source_index = nodes + np.arange(sources)
        target_index = nodes + sources + np.arange(len(ends))
        away, away_length, reach = self._joined(starts)
        towards, towards_length, _ = self._joined(ends)
        offsets = ends - starts[torch.from_numpy(which)]
        close = np.linalg.norm(_array(offsets), axis=1) <= reach[which]
        near = torch.from_numpy(np.flatnonzero(close))
        direct = straight_length(self._metric, starts[torch.from_numpy(which[close])], ends[near])
        source, target, length = self._both_directions()
        sides = [
            (source, target, length),
            (np.repeat(source_index, away.shape[1]), away.ravel(), away_length.ravel()),
            (towards.ravel(), np.repeat(target_index, towards.shape[1]), towards_length.ravel()),
            (source_index[which[close]], target_index[close], _array(direct)),
        ]
        source, target, length = (np.concatenate(part) for part in zip(*sides, strict=True))
        usable = np.isfinite(length)
        length = length[usable]
        graph = coo_array((length, (source[usable], target[usable])), shape=(size, size)).tocsr()
        table, previous = dijkstra(graph, indices=source_index, return_predecessors=True)

        current, origin = target_index, source_index[which]
        found = np.isfinite(table[which, target_index])
        walked = [current]
        while (current != origin).any():
            step = previous[which, current]  # negative at the origin and where there is no way
            current = np.where((current == origin) | (step < 0), origin, step)
            walked.append(current)
        corner = np.stack(walked[::-1], axis=1)
        arrival = np.where(found[:, None], table[which[:, None], corner], np.inf)
        everything = torch.cat([self.codes, starts, ends])
        return _Routes(
            pairs,
            everything[torch.from_numpy(corner)],
            torch.from_numpy(arrival).to(starts.device),
            torch.from_numpy(table[which, target_index]).to(starts.device),
        )


def _links(codes: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Edges that join the components, each to the code outside that is nearest to it.

    Every round joins every component but the largest to another one, so that at least half of them
    go (Borůvka's algorithm for minimum spanning trees).
    """
    size = len(codes)
    found = np.empty((0, 2), dtype=np.int64)
    while True:
        joined = np.concatenate([edges, found])
        graph = coo_array((np.ones(len(joined)), joined.T), shape=(size, size))
        count, label = connected_components(graph, directed=False)
        if count == 1:
            return found
        small = np.flatnonzero(label != np.bincount(label).argmax())
        nearest, gap = np.empty(len(small), dtype=np.int64), np.empty(len(small))
        for part in np.array_split(np.arange(len(small)), -(-len(small) * size // 2**22)):
            inside = small[part]
            table = torch.cdist(torch.from_numpy(codes[inside]), torch.from_numpy(codes)).numpy()
            table[label[inside][:, None] == label] = np.inf
            nearest[part], gap[part] = table.argmin(1), table.min(1)
        best = np.lexsort((gap, label[small]))
        best = best[np.unique(label[small][best], return_index=True)[1]]
        new = np.sort(np.stack([small[best], nearest[best]], axis=1), axis=1)
        found = np.unique(np.concatenate([found, new]), axis=0)


def _array(values: Tensor) -> np.ndarray:
    return values.detach().cpu().double().numpy()
