import math

import pytest
import torch

from geolatent.curvature import gaussian
from geolatent.latents import EuclideanSpace, SphereSpace, WrappedNormalSpace
from geolatent.likelihoods import Gaussian
from geolatent.manifolds import Lorentz, Sphere
from geolatent.metrics import FisherRaoMetric, ManifoldMetric, PullbackMetric
from geolatent.models import VAE
from geolatent.networks import MLP
from geolatent.viz import PlaneSection
from geolatent.viz.declared_chart import broken, declared_chart
from geolatent.viz.plane_chart import PlaneChart
from geolatent.viz.poincare_disk_chart import PoincareDiskChart
from geolatent.viz.sphere_disk_chart import SphereDiskChart


def model(space):
    return VAE(
        MLP(5, space.parameter_size), space, MLP(space.feature_size, 5, hidden=(8,)), Gaussian()
    ).eval()


@pytest.mark.parametrize("chart", [PoincareDiskChart(-2.0), SphereDiskChart(0.7), PlaneChart()])
def test_the_page_and_back(chart):
    z = torch.cat([torch.zeros(1, 2), torch.randn(50, 2)]).double()
    torch.testing.assert_close(chart.from_page(chart.to_page(z)), z)
    if chart.round:
        assert chart.from_page(torch.tensor([[0.8, 0.7]])).isnan().all()


def test_the_chart_is_that_of_the_declared_geometry():
    codes = torch.randn(4, 2)
    assert isinstance(declared_chart(model(EuclideanSpace(2)), codes), PlaneChart)
    assert isinstance(
        declared_chart(model(WrappedNormalSpace(Lorentz(2))), codes), PoincareDiskChart
    )
    assert isinstance(declared_chart(model(SphereSpace(Sphere(2))), codes), SphereDiskChart)
    with pytest.raises(ValueError, match="PlaneSection"):
        declared_chart(model(EuclideanSpace(3)), torch.randn(4, 3))


def test_the_sphere_is_drawn_with_true_areas():
    """det of the page's Jacobian is a constant times that of the sphere's area."""
    chart, metric = SphereDiskChart(0.7), ManifoldMetric(Sphere(2, 0.7))
    z = 1.5 * torch.randn(20, 2).double()
    z = z[z.norm(dim=1) < 3.0]
    page = torch.stack([torch.autograd.functional.jacobian(chart.to_page, row) for row in z])
    area = torch.linalg.det(metric.matrix(z)).sqrt()
    ratio = torch.linalg.det(page).abs() / area
    torch.testing.assert_close(ratio, ratio[:1].expand_as(ratio))


def test_codes_beyond_the_antipode_are_drawn_where_their_point_is():
    sphere = ManifoldMetric(Sphere(2))
    far = torch.tensor([[4.0, 0.0], [2.5, 2.5]]).double()
    near = sphere.code(sphere.point(far))
    chart = SphereDiskChart(1.0)
    torch.testing.assert_close(chart.to_page(far), chart.to_page(near))
    line = torch.linspace(2.5, 4, 40).double().unsqueeze(1) * torch.tensor([1.0, 0.3]).double()
    page = broken(chart.to_page(line), chart)
    assert page.isnan().any(1).sum() == 1
    assert math.isclose(float(page[0, 0]), float(chart.to_page(line)[0, 0]))


def test_a_section_is_the_surface_that_its_plane_is_mapped_to():
    """A paraboloid that is decoded from two of four coordinates, restricted to their plane, has
    curvature 1 at its tip; and the plane itself is drawn without distortion."""
    codes = torch.randn(30, 4).double()
    section = PlaneSection.through(codes[:3])
    torch.testing.assert_close(section.to_page(codes[:1]), torch.zeros(1, 2).double())
    page = section.to_page(codes[1:2])
    assert page[0, 0] > 0
    assert abs(float(page[0, 1])) < 1e-12
    torch.testing.assert_close(section.from_page(section.to_page(codes[:3])), codes[:3])
    distances = torch.cdist(codes[:3], codes[:3])
    on_page = section.to_page(codes[:3])
    torch.testing.assert_close(torch.cdist(on_page, on_page), distances)

    flat_part = PlaneSection(torch.zeros(4).double(), torch.eye(4)[:2].double())
    metric = PullbackMetric(lambda z: torch.cat([z, z[:, :1] ** 2 / 2 + z[:, 1:2] ** 2 / 2], 1))
    origin = torch.zeros(1, 2).double()
    torch.testing.assert_close(gaussian(flat_part.surface(metric), origin), torch.ones(1).double())


def test_a_section_restricts_a_metric_that_has_no_immersion():
    def scaled(z):
        return torch.eye(3).to(z) * (1 + z.square().sum(-1))[..., None, None]

    metric = FisherRaoMetric(lambda z: z, scaled)
    section = PlaneSection(torch.tensor([0.0, 0, 2]).double(), torch.eye(3)[:2].double())
    matrix = section.surface(metric).matrix(torch.tensor([[1.0, 0]]).double())
    torch.testing.assert_close(matrix[0], 6 * torch.eye(2).double())


def test_principal_axes_are_those_of_the_codes():
    codes = torch.randn(400, 5).double() * torch.tensor([0.1, 5, 0.1, 2, 0.1]).double()
    section = PlaneSection.principal(codes)
    first, second = section.from_page(torch.eye(2).double()) - section.from_page(
        torch.zeros(1, 2).double()
    )
    assert float(first[1]) > 0.99
    assert float(second[3]) > 0.99
    assert "variance" in section.labels[0]


@pytest.mark.usefixtures("as_in_production")
def test_planes_that_are_none_are_refused():
    with pytest.raises(ValueError, match="multiple"):
        PlaneSection(torch.zeros(3), torch.tensor([[1.0, 0, 0], [2.0, 0, 0]]))
    with pytest.raises(ValueError, match="three codes"):
        PlaneSection.through(torch.randn(2, 4))
    with pytest.raises(ValueError, match="two directions"):
        PlaneSection(torch.zeros(3), torch.eye(2))
