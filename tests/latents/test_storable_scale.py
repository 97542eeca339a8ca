import math

import pytest
import torch
from torch.autograd import gradcheck
from torch.func import functional_call

from geolatent.distributions import RiemannianNormal, WrappedNormal
from geolatent.latents import RiemannianNormalSpace, WrappedNormalSpace
from geolatent.latents.posterior_scale import posterior_scale
from geolatent.latents.storable_scale import storable_scale
from geolatent.manifolds import Lorentz, PoincareBall

SPACES = [
    (kind, space)
    for kind in (RiemannianNormalSpace, WrappedNormalSpace)
    for space in (Lorentz, PoincareBall)
]


def wide_parameters(space, count, raw):
    """Locations from the origin almost to the end of float32, and scales as wide as can be."""
    reach = space.manifold.largest_radius(torch.float32)
    direction = torch.nn.functional.normalize(torch.randn(count, space.dim), dim=-1)
    z = torch.linspace(0, 0.95 * reach, count)[:, None] * direction
    return torch.cat([z, torch.full((count, space.parameter_size - space.dim), raw)], dim=-1)


@pytest.mark.parametrize(("kind", "space"), SPACES)
@pytest.mark.parametrize("dim", [1, 2, 13, 50])
@pytest.mark.parametrize("raw", [1.0, 100.0])
def test_all_that_is_drawn_is_held(kind, space, dim, raw):
    """Drawn in float64, which goes farther, with the scales of float32."""
    latent = kind(space(dim, -0.7))
    q = latent.posterior(wide_parameters(latent, 2000, raw))
    m = space(dim, -0.7)
    family, spread = (
        (RiemannianNormal, q.spread) if kind is RiemannianNormalSpace else (WrappedNormal, q.scale)
    )
    y = family(m, m.point(latent.code(q.loc).double()), spread.double()).sample()
    outside = m.code(y).norm(dim=-1) > m.largest_radius(torch.float32)
    # 4 standard deviations of one side; a share that is beyond by chance once in a thousand seeds.
    assert int(outside.sum()) <= 2


@pytest.mark.parametrize("dim", [1, 2, 13])
def test_densities_are_those_of_a_space_without_an_end(dim):
    """Against Lorentz in float64, which holds all of them: the end of the ball takes nothing."""
    latent = RiemannianNormalSpace(PoincareBall(dim))
    q = latent.posterior(wide_parameters(latent, 30, 100.0))
    m = Lorentz(dim)
    origin = m.origin(like=q.spread.double())
    exact = RiemannianNormal(m, origin, q.spread.double()).log_prob(origin)
    torch.testing.assert_close(q.log_prob(q.loc).double(), exact, rtol=0, atol=1e-3)


@pytest.mark.parametrize("space", [Lorentz, PoincareBall])
def test_divergences_of_wide_posteriors_are_not_negative_in_float32(space):
    latent = RiemannianNormalSpace(space(13))
    p = wide_parameters(latent, 20, 5.0)
    q, prior = latent.posterior(p), latent.prior()
    y = q.sample((100,))
    ours = (q.log_prob(y) - prior.log_prob(y)).mean(dim=0)
    m, one = latent.manifold, torch.tensor(1.0, dtype=torch.float64)
    exact = RiemannianNormal(m, m.point(p[:, :13].double()), q.spread.double())
    y = exact.sample((100,))
    origin = RiemannianNormal(m, m.origin(like=one), one)
    theirs = (exact.log_prob(y) - origin.log_prob(y)).mean(dim=0)
    # Two samples of some hundreds of nats, of which rounding in the ball is a few.
    assert float(ours.min()) > -0.5
    assert (ours.double() - theirs).abs().max() < 0.15 * float(theirs.max())


@pytest.mark.parametrize(("kind", "space"), SPACES)
def test_scales_that_fit_stay_as_they_are(kind, space):
    latent = kind(space(2))
    p = torch.randn(50, latent.parameter_size).clamp(max=0.5)
    q = latent.posterior(p)
    spread = q.spread if kind is RiemannianNormalSpace else q.scale
    assert torch.equal(spread, posterior_scale(p[:, 2:]).view_as(spread))


def test_gradients():
    m = PoincareBall(3, learn_curvature=True).double()
    (name,) = dict(m.named_parameters())

    class Bounded(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.m = m

        def forward(self, scale, z):
            # The radius as it was at first, of which the curvature makes another.
            return storable_scale(scale, z, self.m, stretch=4.0, growth=2.0)

    z = torch.randn(6, 3, dtype=torch.float64)
    scale = torch.tensor([0.01, 1.0, 2.0, 3.0, 10.0, 500.0], dtype=torch.float64)
    bounded = Bounded()
    assert gradcheck(bounded, (scale.requires_grad_(), z.requires_grad_()))
    values = bounded(scale, z)
    assert (values.diff() > 0).all()
    (slope,) = torch.autograd.grad(values.sum(), scale)
    assert (slope > 0).all()

    def last(theta):
        return functional_call(bounded, {f"m.{name}": theta}, (scale.detach(), z.detach()))[-1]

    # A tensor of the radius is a number of the curvature: against a space of another curvature.
    theta = torch.zeros((), dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(last(theta), theta)
    ends = []
    for step in (-1e-4, 1e-4):
        other = PoincareBall(3, -math.exp(step)).double()
        ends.append(storable_scale(scale, z, other, stretch=4.0, growth=2.0)[-1].detach())
    torch.testing.assert_close(slope, (ends[1] - ends[0]) / 2e-4, rtol=1e-6, atol=0)
