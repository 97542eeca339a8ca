"""Routes through the graph of codes against brute force and known lengths."""

import itertools
import math

import pytest
import torch
from scipy.sparse.csgraph import floyd_warshall

from geolatent.geodesics import measure
from geolatent.geodesics.code_graph import CodeGraph
from geolatent.geodesics.initialisation import Initialisation, StraightLine
from geolatent.geodesics.polyline import smooth
from geolatent.metrics import EuclideanMetric, Metric, PullbackMetric
from geolatent.networks import Sphere


class Hill(Metric):
    """A conformal metric with a steep hill at the origin, as uncertainty makes a hole in data."""

    def matrix(self, z):
        height = 1 + 100 * (-z.square().sum(-1) / 0.2).exp()
        return height[..., None, None] * torch.eye(2, dtype=z.dtype)


def _ring(count=60, dtype=torch.float32):
    angle = 2 * math.pi * torch.arange(count, dtype=dtype) / count
    return torch.stack([angle.cos(), angle.sin()], -1)


def _dense(graph):
    """The graph as a table of edge lengths."""
    table = torch.full((len(graph.codes), len(graph.codes)), torch.inf, dtype=torch.float64)
    first, second = graph.edges.T
    table[first, second] = table[second, first] = graph.lengths.double()
    return table


@pytest.mark.parametrize("dim", [1, 2, 7])
def test_neighbours_and_shortest_paths_are_those_of_brute_force(dim):
    codes = torch.randn(25, dim, dtype=torch.float64)
    graph = CodeGraph(EuclideanMetric(), codes, neighbours=4)
    gaps = torch.cdist(codes, codes)
    nearest = gaps.fill_diagonal_(torch.inf).argsort(1)[:, :4]
    expected = {tuple(sorted((i, int(j)))) for i in range(25) for j in nearest[i]}
    near = graph.edges[: len(graph.edges) - graph.links]
    assert {tuple(edge) for edge in near.tolist()} == expected
    torch.testing.assert_close(graph.lengths, gaps[graph.edges[:, 0], graph.edges[:, 1]])
    paths = graph.node_distances(torch.arange(25))
    torch.testing.assert_close(paths, torch.from_numpy(floyd_warshall(_dense(graph).numpy())))


def test_edges_have_the_metrics_length():
    metric = PullbackMetric(Sphere())
    codes = torch.tensor([1.0, 9.0]) * torch.rand(30, 2, dtype=torch.float64)
    graph = CodeGraph(metric, codes, neighbours=29)  # edges once around the sphere too
    ends = codes[graph.edges[:, 0]], codes[graph.edges[:, 1]]
    straight = measure(metric, StraightLine()(metric, *ends, 32)).length
    torch.testing.assert_close(graph.lengths, straight, rtol=1e-4, atol=0)
    steep = CodeGraph(Hill(), _ring(10), neighbours=9)
    ends = steep.codes[steep.edges[:, 0]], steep.codes[steep.edges[:, 1]]
    straight = measure(Hill(), StraightLine()(Hill(), *ends, 32)).length
    torch.testing.assert_close(steep.lengths, straight, rtol=1e-3, atol=0)


def test_components_are_joined_by_their_nearest_codes():
    corners = torch.tensor([[0.0, 0.0], [10.0, 0.0], [10.0, 12.0], [-30.0, 0.0]])
    codes = torch.cat([corner + torch.rand(8, 2) for corner in corners])
    graph = CodeGraph(EuclideanMetric(), codes, neighbours=6)
    assert graph.links == 3
    assert graph.node_distances(torch.arange(32)).isfinite().all()
    gaps = torch.cdist(codes, codes)
    blocks = [torch.arange(8) + 8 * k for k in range(4)]
    nearest = {
        (a, b): gaps[blocks[a]][:, blocks[b]].min() for a, b in itertools.combinations(range(4), 2)
    }
    tree = sorted([nearest[0, 1], nearest[1, 2], nearest[0, 3]])
    torch.testing.assert_close(graph.lengths[-3:].sort().values, torch.stack(tree))
    assert CodeGraph(EuclideanMetric(), codes, neighbours=31).links == 0


def test_equal_codes_are_joined_at_length_zero():
    codes = torch.cat([torch.zeros(4, 2), torch.ones(3, 2)])
    graph = CodeGraph(EuclideanMetric(), codes, neighbours=2)
    distances = graph.node_distances(torch.tensor([0]))
    torch.testing.assert_close(distances[0], torch.tensor([0.0] * 4 + [math.sqrt(2)] * 3))


def test_distances_are_upper_bounds_and_no_more_than_straight_lines():
    metric = PullbackMetric(Sphere())
    codes = torch.tensor([2.0, 3.0]) * torch.rand(200, 2, dtype=torch.float64) - 1
    graph = CodeGraph(metric, codes)
    start, end = torch.tensor([2.0, 3.0]) * torch.rand(2, 40, 2, dtype=torch.float64) - 1
    bound, exact = graph.distances(start, end), Sphere().distance(start, end)
    straight = measure(metric, StraightLine()(metric, start, end, 32)).length
    assert (bound >= exact * (1 - 1e-6)).all()
    assert (bound <= straight * (1 + 1e-4)).all()
    assert (bound < straight * (1 - 1e-3)).any()
    assert graph.distances(codes[:3], codes[:3]).abs().max() == 0


class TestPaths:
    def test_go_around_where_straight_lines_do_not(self):
        graph = CodeGraph(Hill(), _ring(), neighbours=2)
        start, end = 1.05 * _ring()[[0, 10]], -1.02 * _ring()[[1, 12]]
        points = graph(Hill(), start, end, 16)
        assert points.shape == (2, 17, 2)
        assert torch.equal(points[:, 0], start)
        assert torch.equal(points[:, -1], end)
        assert points.norm(dim=2).min() > 0.7
        path, straight = measure(Hill(), points), StraightLine()(Hill(), start, end, 16)
        assert (path.length < 0.8 * path.straight_length).all()
        assert path.speed_variation.max() < 0.1
        assert straight.norm(dim=2).min() < 0.2

    def test_are_in_the_order_asked_for(self):
        """Pairs that share starts are solved together, and come back to their places."""
        graph = CodeGraph(Hill(), _ring(), neighbours=2)
        nodes = _ring()
        start, end = nodes[[5, 0, 5, 9, 0]], nodes[[20, 30, 29, 9, 7]]
        together = graph(Hill(), start, end, 8)
        alone = torch.cat([graph(Hill(), start[i : i + 1], end[i : i + 1], 8) for i in range(5)])
        torch.testing.assert_close(together, alone)
        assert torch.equal(together[:, 0], start)
        assert torch.equal(together[:, -1], end)

    def test_do_not_run_through_the_ends_of_other_pairs(self):
        """Two more pairs along the diameter would be stepping stones across the hill's foot."""
        graph = CodeGraph(EuclideanMetric(), _ring(), neighbours=2)
        nodes = _ring()
        stones = torch.tensor([[0.5, 0.0], [0.0, 0.0], [-0.5, 0.0]])
        start = torch.cat([nodes[:1], stones])
        end = torch.cat([nodes[30:31], stones + 0.01])
        points = graph(EuclideanMetric(), start, end, 16)
        torch.testing.assert_close(points[:1], graph(EuclideanMetric(), start[:1], end[:1], 16))

    def test_between_close_codes_are_straight(self):
        graph = CodeGraph(EuclideanMetric(), _ring(), neighbours=4)
        start = torch.tensor([[1.3, 0.0]])
        end = start + 0.01
        points = graph(EuclideanMetric(), start, end, 4)
        torch.testing.assert_close(points, StraightLine()(EuclideanMetric(), start, end, 4))

    def test_smoothing_lowers_the_energy(self):
        metric, codes = PullbackMetric(Sphere()), torch.rand(300, 2)
        start, end = torch.rand(2, 10, 2)
        path = measure(metric, CodeGraph(metric, codes)(metric, start, end, 32))
        corners = CodeGraph(metric, codes).distances(start, end)
        assert path.length.mean() < 1.3 * corners.mean()
        assert path.straight_excess.min() > -0.25

    def test_smoothing_does_not_climb(self):
        """Rounding a half circle off takes it towards the hill: a little is better, much is not."""
        angle = torch.linspace(0, math.pi, 33)
        points = 0.75 * torch.stack([angle.cos(), angle.sin()], -1).unsqueeze(0)
        rounded = smooth(Hill(), points)
        flattened = points.clone()
        for _ in range(200):
            middle = (flattened[:, :-2] + 2 * flattened[:, 1:-1] + flattened[:, 2:]) / 4
            flattened[:, 1:-1] = middle
        energies = [measure(Hill(), curve).energy for curve in (rounded, points, flattened)]
        assert energies[0] <= energies[1] * (1 + 1e-3) < energies[2]

    def test_no_pairs(self):
        points = CodeGraph(Hill(), _ring())(Hill(), torch.zeros(0, 2), torch.zeros(0, 2), 8)
        assert points.shape == (0, 9, 2)

    def test_in_ten_dimensions(self):
        metric, codes = EuclideanMetric(), torch.randn(100, 10, dtype=torch.float64)
        start, end = torch.randn(2, 3, 10, dtype=torch.float64)
        points = CodeGraph(metric, codes)(metric, start, end, 4)
        assert points.shape == (3, 5, 10)
        assert points.isfinite().all()


class TestNotFinite:
    @staticmethod
    def _decoder(z):
        return torch.where((z[..., :1] > 0) & (z[..., :1] < 1), torch.nan, z)

    def test_edges_are_not_taken(self):
        codes = torch.cat([torch.rand(10, 2) - 2, torch.rand(10, 2) + 2])
        graph = CodeGraph(PullbackMetric(self._decoder), codes, neighbours=6)
        assert graph.links == 1
        assert graph.lengths[-1].isnan()
        apart = graph.node_distances(torch.tensor([0]))[0]
        assert apart[:10].isfinite().all()
        assert (apart[10:] == torch.inf).all()
        assert graph.distances(codes[:1], codes[-1:]).item() == torch.inf

    def test_paths_that_lead_nowhere_are_straight(self):
        codes = torch.cat([torch.rand(10, 2) - 2, torch.rand(10, 2) + 2])
        metric = PullbackMetric(self._decoder)
        points = CodeGraph(metric, codes, neighbours=6)(metric, codes[:1], codes[-1:], 4)
        torch.testing.assert_close(points, StraightLine()(metric, codes[:1], codes[-1:], 4))


@pytest.mark.parametrize(
    ("codes", "options", "message"),
    [
        (torch.zeros(1, 2), {}, r"got \(1, 2\)"),
        (torch.full((3, 2), torch.nan), {}, "finite"),
        (torch.zeros(3, 2), {"neighbours": 0}, "neighbours must be a whole number"),
    ],
)
def test_refuses_what_makes_no_graph(codes, options, message):
    with pytest.raises(ValueError, match=message):
        CodeGraph(EuclideanMetric(), codes, **options)


def test_initialisations_are_interchangeable():
    metric, codes = PullbackMetric(Sphere()), torch.rand(30, 2)
    for start_with in (StraightLine(), CodeGraph(metric, codes)):
        assert isinstance(start_with, Initialisation)
        points = start_with(metric, codes[:2], codes[2:4], 8)
        assert points.shape == (2, 9, 2)
        assert measure(metric, points).length.isfinite().all()
