"""What a path says when it is printed."""

import re

import torch

from geolatent.geodesics import connect
from geolatent.metrics import EuclideanMetric, PullbackMetric
from geolatent.networks import Sphere


def test_prints_what_to_look_at_first():
    start = torch.tensor([[0.3, 0.1], [9.0, 0.0], [0.2, 0.1]])
    end = torch.tensor([[0.6, 2.1], [9.5, 0.0], [0.9, 1.1]])
    hole = PullbackMetric(lambda z: torch.where(z[..., :1] > 5, torch.nan, Sphere()(z)))
    path = connect(hole, start, end, max_iterations=1)
    lines = repr(path).splitlines()
    assert lines[0] == "3 curves of 33 points in 2 dimensions, 0 converged"
    shown = path.length[[0, 2]]
    assert lines[1].startswith(f"  length: median {shown.min():.4g}, {shown.min():.4g} to ")
    assert f"up to {path.straight_excess[0]:.2%}" in lines[2]
    change = path.refinement_change[[0, 2]].max()
    assert lines[3] == f"  last refinement: up to {change:.2%}; iterations: median 1, up to 1"
    assert re.fullmatch(
        r"  not converged: 0 \(after 1 iterations\), 1 \(the metric is not finite on it\), 2 .*",
        lines[4],
    )
    assert len(repr(path[1]).splitlines()) == 2
    assert repr(path[:0]) == "0 curves of 33 points in 2 dimensions"


def test_names_few_of_many_and_nothing_that_there_is_not():
    hole = PullbackMetric(lambda z: torch.where(z[..., :1] > 0, torch.nan, z))
    many = connect(hole, torch.ones(9, 2), torch.full((9, 2), 2.0))
    assert repr(many).endswith("4 (the metric is not finite on it) and 4 more")
    known = repr(connect(EuclideanMetric(), torch.zeros(2, 2), torch.ones(2, 2)))
    assert "iterations" not in known
    assert "not converged" not in known


def test_a_number_takes_one_curve():
    path = connect(EuclideanMetric(), torch.zeros(3, 2), torch.eye(3)[:, :2])
    assert torch.equal(path[-1].points, path.points[2:])
    assert [len(curve) for curve in path] == [1, 1, 1]
