"""Riemannian normals that the coordinates cannot hold: what is drawn is what the density says."""

import math

import numpy as np
import pytest
import scipy.stats
import torch
from torch.autograd import gradcheck
from torch.func import functional_call

from geolatent.distributions import RiemannianNormal
from geolatent.manifolds import Lorentz, PoincareBall

# Radius in a ball of float32, at curvature -1: a gap of four units in the last place.
STORED = 2 * math.atanh(1 - 2 * torch.finfo(torch.float32).eps) - math.log(2)
# Dimension, scale and radius of the location: hardly, partly and entirely cut off; a normal wider
# than the space on a line; a location at the end of the coordinates.
CASES = [(13, 1.0, 0.0), (13, 1.0, 2.5), (20, 2.0, 1.0), (2, 40.0, 6.0), (1, 30.0, 0.0)]


def distribution(dim, scale, radius, *, manifold=PoincareBall):
    m = manifold(dim)
    code = torch.zeros(dim)
    code[0] = radius
    return RiemannianNormal(m, m.point(code), torch.tensor(scale))


def radial(dim, scale, reach):
    """Radii and their distribution function, from a fine grid and in logarithms."""
    r = np.linspace(0, reach, 200_001)[1:]
    log_sinh = r + np.log1p(-np.exp(-2 * r)) - math.log(2)
    log_density = -((r / scale) ** 2) / 2 + (dim - 1) * log_sinh
    density = np.exp(log_density - log_density.max())
    area = math.log(2) + dim / 2 * math.log(math.pi) - math.lgamma(dim / 2)
    log_z = area + math.log(density.sum() * (r[1] - r[0])) + log_density.max()
    return r, density / density.sum(), log_z


@pytest.mark.parametrize(("dim", "scale", "radius"), CASES)
def test_draws_and_density_agree_although_the_coordinates_end(dim, scale, radius):
    q = distribution(dim, scale, radius)
    r, share, log_z = radial(dim, scale, STORED - radius)
    drawn = q.sample_radius(torch.Size([4000])).numpy()
    test = scipy.stats.kstest(drawn, lambda x: np.interp(x, r, share.cumsum()))
    assert test.pvalue > 1e-3
    # Of the points, in float32: none was moved, so that the mean is minus the entropy.
    value = q.log_prob(q.sample((4000,)))
    expected = -(share * (r / scale) ** 2).sum() / 2 - log_z
    # Rounding near the end of the ball moves single values by a nat.
    error = float(value.std()) / math.sqrt(4000)
    assert float(value.mean()) == pytest.approx(expected, abs=4 * error + 0.02)


def test_divergences_that_had_no_lower_bound_are_positive():
    """Against an estimate in float64 where nothing ends."""
    for dim, scale in ((13, 1.0), (13, 3.0), (20, 2.0)):
        prior = distribution(dim, 1.0, 0.0)
        q = distribution(dim, scale, 2.0)
        y = q.sample((2000,))
        assert (q.log_prob(y) - prior.log_prob(y)).mean() > 0
    q, prior = distribution(8, 1.1, 2.0), distribution(8, 1.0, 0.0)
    y = q.sample((20_000,))
    ours = (q.log_prob(y) - prior.log_prob(y)).double()
    m = Lorentz(8).double()
    z = torch.zeros(8).double()
    prior = RiemannianNormal(m, m.point(z), torch.tensor(1.0).double())
    z[0] = 2
    q = RiemannianNormal(m, m.point(z), torch.tensor(1.1).double())
    y = q.sample((20_000,))
    exact = q.log_prob(y) - prior.log_prob(y)
    error = math.hypot(float(ours.std()), float(exact.std())) / math.sqrt(20_000)
    assert float(ours.mean()) == pytest.approx(float(exact.mean()), abs=4 * error)


def test_a_location_at_the_end_of_the_coordinates():
    q = distribution(3, 2.0, 20.0)
    y = q.sample((500,))
    assert (q.sample_radius(torch.Size([500])) <= 1).all()
    assert q.log_prob(y).isfinite().all()


def test_the_normaliser_follows_where_the_density_ends():
    m = PoincareBall(3, -0.6, learn_curvature=True).double()
    name, theta = next(iter(m.named_parameters()))
    v = torch.tensor([[0.4, 0.1, 0.0], [0.5, -1.0, 2.0]]).double()

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.m = m

        def forward(self, code, scale):
            return RiemannianNormal(m, m.point(code), scale).log_prob(m.point(v))

    def log_prob(code, scale, theta):
        return functional_call(Model(), {f"m.{name}": theta}, (code, scale))

    code = torch.tensor([[0.9, -0.2, 0.1], [0.1, 0.5, 0.3]]).double().requires_grad_()
    scale = torch.tensor(9.0).double().requires_grad_()  # most of it would lie at radius 125
    assert gradcheck(log_prob, (code, scale, theta.detach().clone().requires_grad_()))


@pytest.mark.parametrize("side", ["scale", "location", "curvature"])
def test_radii_at_the_end_move_with_their_quantiles(side):
    """dr/dθ against a difference of quantiles."""
    given = {"scale": 2.0, "location": 1.5, "curvature": 0.0}  # the last one is log |K|

    def reach(location, curvature):
        k = math.exp(curvature / 2)
        return (2 * math.atanh(1 - 2 * torch.finfo(torch.float64).eps) - math.log(2)) / k - location

    def quantile_function(scale, location, curvature):
        k = math.exp(curvature / 2)
        r, share, _ = radial(10, scale * k, k * reach(location, curvature))
        return r / k, share.cumsum()

    m = PoincareBall(10, learn_curvature=True).double()
    code = torch.zeros(40, 10).double()
    code[:, 0] = 1.5
    code.requires_grad_()
    scale = torch.full((40,), 2.0).double().requires_grad_()
    radii = RiemannianNormal(m, m.point(code), scale).sample_radius(torch.Size([40]))
    target = {"scale": scale, "location": code, "curvature": next(iter(m.parameters()))}[side]
    rows = [torch.autograd.grad(r, target, retain_graph=True)[0] for r in radii]
    ours = torch.stack([row.sum() if side != "location" else row[:, 0].sum() for row in rows])
    quantiles = np.interp(radii.detach().numpy(), *(q := quantile_function(*given.values())))
    assert q[0][-1] < 34  # its maximum would be at 36
    h = 1e-3
    ends = []
    for sign in (1, -1):
        r, cdf = quantile_function(*(given | {side: given[side] + sign * h}).values())
        ends.append(np.interp(quantiles, cdf, r))
    np.testing.assert_allclose(ours.numpy(), (ends[0] - ends[1]) / (2 * h), rtol=5e-3, atol=5e-4)
