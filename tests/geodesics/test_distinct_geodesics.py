"""Several geodesics between two codes, on a surface with a hill between them."""

import pytest
import torch

from geolatent.geodesics import Arc, DistinctGeodesics, connect, distinct_geodesics
from geolatent.metrics import EuclideanMetric, PullbackMetric


def _hill(z):
    """A graph over the plane with a steep hill at the origin."""
    return torch.cat([z, 4 * torch.exp(-2 * z.square().sum(-1, keepdim=True))], -1)


# Across the hill there is a way around it on either side, past it only the straight one.
START = torch.tensor([[-2.0, 0.0], [-2.0, 3.0]])
END = torch.tensor([[2.0, 0.0], [2.0, 3.0]])


def test_both_ways_around_a_hill():
    found = distinct_geodesics(PullbackMetric(_hill), START, END)
    assert found.count().tolist()[1] == 1
    across = found.path[found.pair == 0]
    assert (across.length.diff() >= 0).all()
    # Mirror images of equal length come first; the way over the top, if any, is longer.
    assert len(across) >= 2
    torch.testing.assert_close(across.length[0], across.length[1], rtol=1e-4, atol=0)
    torch.testing.assert_close(
        across.points[0] * torch.tensor([1, -1]), across.points[1], atol=2e-2, rtol=0
    )
    assert "1 with several" in str(found)
    best = connect(PullbackMetric(_hill), START, END, initialisations=(Arc(0.5), Arc(-0.5)))
    shortest = found.path[torch.cat([found.pair.diff() != 0, torch.tensor([True])])]
    assert (best.length <= shortest.length * (1 + 1e-3)).all()


def test_flat_space_has_one():
    start, end = torch.randn(2, 7, 3)
    found = distinct_geodesics(PullbackMetric(torch.nn.Linear(3, 5)), start, end)
    assert isinstance(found, DistinctGeodesics)
    assert found.count().tolist() == [1] * 7
    assert found.pair.tolist() == list(range(7))
    assert found.start.tolist() == [0] * 7


def test_closed_forms_and_no_pairs():
    found = distinct_geodesics(EuclideanMetric(), torch.zeros(0, 2), torch.zeros(0, 2))
    assert len(found.path) == 0
    assert found.count().tolist() == []


@pytest.mark.parametrize("dim", [1, 2, 5])
def test_arcs_keep_their_ends_and_leave_sideways(dim):
    start, end = torch.randn(2, 6, dim)
    points = Arc(0.5)(EuclideanMetric(), start, end, 8)
    assert torch.equal(points[:, 0], start)
    assert torch.equal(points[:, -1], end)
    offset = points[:, 4] - (start + end) / 2
    along = end - start
    torch.testing.assert_close((offset * along).sum(1), torch.zeros(6), atol=1e-5, rtol=0)
    expected = 0.5 * along.norm(dim=1) * (dim > 1)
    torch.testing.assert_close(offset.norm(dim=1), expected)


@pytest.mark.parametrize(("starts", "error"), [((), ValueError), (Arc(), TypeError)])
@pytest.mark.usefixtures("as_in_production")
def test_starts_are_several(starts, error):
    with pytest.raises(error, match="initialisations"):
        distinct_geodesics(EuclideanMetric(), START, END, initialisations=starts)


def test_bad_separation():
    with pytest.raises(ValueError, match="separation"):
        distinct_geodesics(EuclideanMetric(), START, END, separation=0.0)
