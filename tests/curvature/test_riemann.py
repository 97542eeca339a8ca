"""Curvature tensors: closed forms, symmetries, and the two routes to them."""

import pytest
import torch

from geolatent.curvature import gaussian, ricci, riemann, scalar, sectional
from geolatent.manifolds import Lorentz, PoincareBall
from geolatent.metrics import EuclideanMetric, ManifoldMetric, PullbackMetric
from geolatent.networks import MLP, HyperbolicPatch, Sphere, SwissRoll, Torus


def _paraboloid(z):
    return torch.cat([z, z.square().sum(-1, keepdim=True) / 2], -1)


def _hypersphere(z):
    """The inverse stereographic projection: the unit sphere of any dimension."""
    square = z.square().sum(-1, keepdim=True)
    return torch.cat([2 * z, square - 1], -1) / (square + 1)


SURFACES = {
    "sphere": (Sphere(), lambda z: torch.ones_like(z[..., 0])),
    "torus": (Torus(), lambda z: z[..., 0].cos() / (2 + z[..., 0].cos())),
    "hyperbolic patch": (HyperbolicPatch(), lambda z: -torch.ones_like(z[..., 0])),
    "swiss roll": (SwissRoll(), lambda z: torch.zeros_like(z[..., 0])),
    "paraboloid": (_paraboloid, lambda z: (1 + z.square().sum(-1)) ** -2),
}
# Greatest error measured: 2e-15 and 2e-6.
ERROR = {torch.float32: 1e-5, torch.float64: 1e-13}


def _decoder(size):
    return PullbackMetric(MLP(size, 30, hidden=(16, 16)).double().requires_grad_(False))


@pytest.mark.parametrize("dtype", ERROR)
@pytest.mark.parametrize("immersed", [True, False])
@pytest.mark.parametrize("name", SURFACES)
def test_gaussian_curvature_is_the_closed_form(by_matrix, name, immersed, dtype):
    surface, curvature = SURFACES[name]
    metric = PullbackMetric(surface)
    z = (0.3 + torch.rand(3, 5, 2, dtype=torch.float64)).to(dtype)
    found = gaussian(metric if immersed else by_matrix(metric), z)
    assert found.dtype == dtype
    assert (found - curvature(z)).abs().max() < ERROR[dtype]


@pytest.mark.parametrize("size", [2, 3, 6])
@pytest.mark.parametrize("immersed", [True, False])
def test_spheres_of_any_dimension(by_matrix, size, immersed):
    metric = PullbackMetric(_hypersphere)
    metric = metric if immersed else by_matrix(metric)
    z, u, v = 0.5 * torch.randn(3, 4, size, dtype=torch.float64)
    ones = torch.ones(4, dtype=torch.float64)
    torch.testing.assert_close(sectional(metric, z, u, v), ones, rtol=1e-10, atol=0)
    matrix = metric.matrix(z)
    torch.testing.assert_close(ricci(metric, z), (size - 1) * matrix, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(scalar(metric, z), size * (size - 1) * ones, rtol=1e-10, atol=0)


def test_hyperbolic_space_by_its_matrix(ball):
    z, u, v = 0.3 * torch.randn(3, 5, 3, dtype=torch.float64).clamp(-1, 1)
    expected = -torch.ones(5, dtype=torch.float64)
    torch.testing.assert_close(sectional(ball, z, u, v), expected, rtol=1e-10, atol=0)
    torch.testing.assert_close(scalar(ball, z), 6 * expected, rtol=1e-10, atol=0)


@pytest.mark.parametrize("manifold", [Lorentz(3, curvature=-0.5), PoincareBall(3, curvature=-0.5)])
def test_closed_form_of_manifolds_is_what_derivatives_give(by_matrix, manifold):
    metric = ManifoldMetric(manifold)
    z, u, v = torch.randn(3, 2, 3, dtype=torch.float64)
    torch.testing.assert_close(riemann(metric, z), riemann(by_matrix(metric), z), atol=1e-9, rtol=0)
    assert (sectional(metric, z, u, v) == -0.5).all()


@pytest.mark.parametrize("size", [2, 5, 10])
def test_symmetries_and_bianchi_identity(size):
    tensor = riemann(_decoder(size), torch.randn(2, size, dtype=torch.float64))
    scale = tensor.abs().max()
    assert scale > 1e-4  # not the trivial tensor
    for law in (
        tensor + tensor.transpose(-4, -3),
        tensor + tensor.transpose(-2, -1),
        tensor - tensor.permute(0, 3, 4, 1, 2),
        tensor + tensor.permute(0, 2, 3, 1, 4) + tensor.permute(0, 3, 1, 2, 4),
    ):
        assert law.abs().max() < 1e-13 * scale


@pytest.mark.parametrize("size", [2, 5, 10])
def test_matrix_and_immersion_agree(by_matrix, size):
    """The Gauss equation and second derivatives of G, to 1e-12 of the largest component."""
    metric = _decoder(size)
    z, u, v = torch.randn(3, 2, size, dtype=torch.float64)
    tensor = riemann(metric, z)
    error = (tensor - riemann(by_matrix(metric), z)).abs().max()
    assert error < 1e-12 * tensor.abs().max()
    found = sectional(metric, z, u, v)
    torch.testing.assert_close(found, sectional(by_matrix(metric), z, u, v), rtol=1e-10, atol=1e-13)


def test_sectional_is_a_function_of_the_plane():
    metric = _decoder(4)
    z, u, v = torch.randn(3, 5, 4, dtype=torch.float64)
    expected = sectional(metric, z, u, v)
    torch.testing.assert_close(sectional(metric, z, 3 * v + u, 2 * u - 0.1 * v), expected)
    matrix, tensor = metric.matrix(z), riemann(metric, z)
    inner = torch.einsum("bi,bij,bj->b", u, matrix, v)
    squares = [torch.einsum("bi,bij,bj->b", w, matrix, w) for w in (u, v)]
    area = squares[0] * squares[1] - inner.square()
    numerator = torch.einsum("bijkl,bi,bj,bk,bl->b", tensor, u, v, v, u)
    torch.testing.assert_close(numerator / area, expected)


def test_scalar_is_twice_gaussian_and_ricci_symmetric():
    metric, z = _decoder(2), torch.randn(5, 2, dtype=torch.float64)
    torch.testing.assert_close(scalar(metric, z), 2 * gaussian(metric, z))
    tensor = ricci(_decoder(5), torch.randn(3, 5, dtype=torch.float64))
    torch.testing.assert_close(tensor, tensor.mT, rtol=1e-10, atol=1e-14)


def test_units_of_data_scale_curvature_and_those_of_codes_do_not():
    metric, z = _decoder(2), torch.randn(5, 2, dtype=torch.float64)
    units = torch.tensor([1e-6, 1e3], dtype=torch.float64)
    scaled = PullbackMetric(lambda x: 10 * metric.immersion(x / units))
    torch.testing.assert_close(
        gaussian(scaled, units * z), gaussian(metric, z) / 100, rtol=1e-9, atol=0
    )


def test_relu_networks_are_flat_where_they_are_smooth():
    decoder = MLP(2, 5, hidden=(8,), activation="relu").requires_grad_(False)
    assert (gaussian(PullbackMetric(decoder), torch.randn(4, 2)).nan_to_num() == 0).all()


class TestDegenerateInput:
    @pytest.mark.parametrize("immersed", [True, False])
    def test_one_dimension_has_none(self, by_matrix, immersed):
        metric = PullbackMetric(lambda z: torch.cat([z.sin(), z.square()], -1))
        metric = metric if immersed else by_matrix(metric)
        z = torch.rand(3, 1)
        assert torch.equal(riemann(metric, z), torch.zeros(3, 1, 1, 1, 1))
        assert torch.equal(scalar(metric, z), torch.zeros(3))
        assert sectional(metric, z, z, z).isnan().all()

    @pytest.mark.parametrize("immersed", [True, False])
    def test_singular_and_nan_codes_spoil_themselves_only(self, by_matrix, immersed):
        def decoder(z):
            cusp = torch.stack([z[..., 0], z[..., 1].square(), z[..., 1] ** 3], -1)
            return torch.where(z[..., :1] > 5, torch.nan, cusp)

        metric = PullbackMetric(decoder)
        metric = metric if immersed else by_matrix(metric)
        z = torch.tensor([[0.0, 1.0], [0.0, 0.0], [9.0, 1.0]], dtype=torch.float64)
        for found in (gaussian(metric, z), scalar(metric, z), riemann(metric, z)[:, 0, 1, 1, 0]):
            assert found.isnan().tolist() == [False, True, True]
            assert found[0].abs() < 1e-12  # a generalised cylinder

    def test_vectors_that_span_no_plane(self):
        z, u = torch.rand(2, 3, 2)
        assert sectional(PullbackMetric(Sphere()), z, u, 2 * u).isnan().all()
        assert sectional(ManifoldMetric(Lorentz(2)), z, u, 2 * u).isnan().all()

    @pytest.mark.parametrize("metric", [PullbackMetric(_paraboloid), EuclideanMetric()])
    @pytest.mark.parametrize("batch", [(), (0,), (2, 0)])
    def test_any_batch(self, metric, batch):
        z = torch.zeros(*batch, 2)
        assert riemann(metric, z).shape == (*batch, 2, 2, 2, 2)
        assert ricci(metric, z).shape == (*batch, 2, 2)
        assert scalar(metric, z).shape == batch

    @pytest.mark.usefixtures("as_in_production")
    def test_gaussian_curvature_is_that_of_surfaces(self):
        with pytest.raises(ValueError, match=r"3 dimensions; use sectional"):
            gaussian(EuclideanMetric(), torch.zeros(2, 3))
