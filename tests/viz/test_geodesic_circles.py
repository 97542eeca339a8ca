import math

import pytest
import torch

from geolatent.manifolds import Sphere
from geolatent.metrics import EuclideanMetric, ManifoldMetric, PullbackMetric
from geolatent.viz import geodesic_circles


def test_circles_of_the_plane():
    centre = torch.tensor([1.0, -2.0]).double()
    found = geodesic_circles(EuclideanMetric(), centre, torch.tensor([0.5, 2.0]), count=12)
    radius = (found.points - centre).norm(dim=-1)
    torch.testing.assert_close(radius[0], torch.full((12,), 0.5).double())
    torch.testing.assert_close(radius[1], torch.full((12,), 2.0).double())
    assert found.minimising.all()


def test_beyond_the_antipode_nothing_minimises():
    metric = ManifoldMetric(Sphere(2))
    centre = torch.tensor([0.3, 0.2]).double()
    found = geodesic_circles(metric, centre, torch.tensor([1.0, math.pi + 0.4]), count=8)
    assert found.minimising[0].all()
    assert not found.minimising[1].any()


@pytest.mark.slow
def test_the_front_behind_a_hill_does_not_minimise():
    """Geodesics that meet behind a steep hill have gone around it on both sides."""

    def hill(z):
        return torch.cat([z, 2 * (-2 * z.square().sum(-1, keepdim=True)).exp()], -1)

    metric = PullbackMetric(hill)
    centre = torch.tensor([-2.0, 0.0]).double()
    found = geodesic_circles(metric, centre, torch.tensor([4.5]), count=4)
    # Straight over the top is longer than around it; aside and behind nothing is in the way.
    assert found.minimising[0].tolist() == [False, True, True, True]


def test_a_circle_in_more_dimensions_lies_in_its_plane_at_first():
    centre = torch.zeros(3).double()
    plane = torch.eye(3)[:, :2].double()
    radii = torch.tensor([2.0])
    found = geodesic_circles(EuclideanMetric(), centre, radii, directions=plane, count=8)
    assert found.points[..., 2].abs().max() < 1e-12
    with pytest.raises(ValueError, match="directions"):
        geodesic_circles(EuclideanMetric(), centre, radii)
    with pytest.raises(ValueError, match="positive"):
        geodesic_circles(EuclideanMetric(), centre[:2], -radii)
    with pytest.raises(ValueError, match="singular"):
        geodesic_circles(PullbackMetric(lambda z: z[:, :1]), centre[:2], radii)
