"""A learned metric in geoopt: its manifold's laws, and an optimisation in it."""

import geoopt
import pytest
import torch

from geolatent.interop import LearnedManifold
from geolatent.metrics import PullbackMetric
from geolatent.networks import MLP, Sphere


@pytest.fixture
def manifold():
    return LearnedManifold(PullbackMetric(Sphere()))


def test_gradients_are_riemannian(manifold):
    """⟨grad f, u⟩ = ∂f · u."""
    x, slope, u = torch.randn(3, 7, 2, dtype=torch.float64)
    x = 0.3 * x
    gradient = manifold.egrad2rgrad(x, slope)
    torch.testing.assert_close(manifold.inner(x, gradient, u), (slope * u).sum(-1))
    torch.testing.assert_close(manifold.norm(x, u).square(), manifold.inner(x, u))
    assert manifold.component_inner(x, u).shape == (7, 1)


def test_maps_are_those_of_the_sphere(manifold):
    x, y = 0.4 * torch.randn(2, 5, 2, dtype=torch.float64)
    logs = manifold.logmap(x, y)
    torch.testing.assert_close(manifold.expmap(x, logs), y, atol=1e-5, rtol=0)
    torch.testing.assert_close(manifold.dist(x, y), Sphere().distance(x, y), atol=1e-8, rtol=0)
    torch.testing.assert_close(manifold.dist(x, y, keepdim=True)[:, 0], manifold.norm(x, logs))
    v = torch.randn(5, 2, dtype=torch.float64)
    moved = manifold.transp(x, y, v)
    torch.testing.assert_close(manifold.norm(y, moved), manifold.norm(x, v))


@pytest.mark.parametrize("optimiser", ["RiemannianAdam", "RiemannianSGD"])
def test_optimisers_find_the_code_of_a_datum(optimiser):
    decoder = MLP(2, 10, hidden=(16,)).double().requires_grad_(False)
    manifold = LearnedManifold(PullbackMetric(decoder))
    target = decoder(torch.tensor([0.5, -0.3], dtype=torch.float64))
    z = geoopt.ManifoldParameter(torch.zeros(2, dtype=torch.float64), manifold=manifold)
    options = {"momentum": 0.3} if optimiser == "RiemannianSGD" else {}
    descent = getattr(geoopt.optim, optimiser)([z], lr=0.1, **options)
    for _ in range(60):
        descent.zero_grad()
        misfit = (decoder(z) - target).square().sum() / 2
        misfit.backward()
        descent.step()
    assert misfit.detach() < 1e-3
    assert manifold.check_point_on_manifold(z)


def test_natural_gradient_does_not_see_the_coordinates():
    """One SGD step in codes and in stretched codes decodes to the same point."""
    decoder = torch.nn.Linear(2, 6, dtype=torch.float64).requires_grad_(False)
    stretch = torch.tensor([1.0, 50.0], dtype=torch.float64)
    ends = []
    for scale in (torch.ones_like(stretch), stretch):
        function = lambda z, scale=scale: decoder(z * scale)  # noqa: E731
        manifold = LearnedManifold(PullbackMetric(function))
        z = geoopt.ManifoldParameter(torch.ones(1, 2, dtype=torch.float64) / scale, manifold)
        descent = geoopt.optim.RiemannianSGD([z], lr=0.5)
        function(z).square().sum().backward()
        descent.step()
        ends.append(function(z).detach())
    torch.testing.assert_close(*ends)


def test_checks(manifold):
    bad = torch.tensor([torch.nan, 0.0])
    assert not manifold.check_point_on_manifold(bad)
    assert not manifold.check_vector_on_tangent(torch.zeros(2), bad)


@pytest.mark.usefixtures("as_in_production")
def test_a_bare_decoder_is_no_metric():
    with pytest.raises(TypeError, match="PullbackMetric"):
        LearnedManifold(Sphere())
