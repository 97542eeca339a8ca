import math

import numpy as np
import pytest
import scipy.integrate
import scipy.special
import scipy.stats
import torch
from torch.autograd import gradcheck
from torch.distributions import kl_divergence

from geolatent.distributions import TorusNormal, Uniform
from geolatent.manifolds import FlatTorus

BOTH_SERIES = [[0.4, 0.7], [1.2, 1.7], [3.0, 40.0]]


def double(numbers):
    return torch.tensor(numbers, dtype=torch.float64)


@pytest.mark.parametrize("scale", BOTH_SERIES)
def test_the_density_integrates_to_one_and_samples_come_from_it(scale, quadrature, check_samples):
    m = FlatTorus(2)
    q = TorusNormal(m, double([3.0, -1.0]), double(scale))
    y, volume = quadrature(m)
    assert float((q.log_prob(y).exp() * volume).sum()) == pytest.approx(1.0, abs=1e-12)
    check_samples(q, double([-3.0, 0.5]))


@pytest.mark.parametrize("scale", [0.1, 1.0, 1.499, 1.501, 4.0])
def test_the_density_is_summed_over_all_windings(scale):
    m = FlatTorus(1)
    angle = torch.linspace(-3.1, 3.1, 41, dtype=torch.float64)[:, None]
    loc = double([2.5])
    turns = 2 * math.pi * torch.arange(-60, 61).double()
    normal = torch.distributions.Normal(loc, scale)
    expected = torch.logsumexp(normal.log_prob(angle + turns), dim=-1)
    density = TorusNormal(m, loc, double([scale])).log_prob(angle)
    torch.testing.assert_close(density, expected, rtol=1e-13, atol=1e-12)


def test_two_samples():
    """Against angles of an independent generator of normals."""
    m = FlatTorus(1)
    ours = TorusNormal(m, double([2.5]), double([1.1])).sample((5000,))[:, 0].numpy()
    theirs = np.angle(np.exp(1j * np.random.default_rng(1).normal(2.5, 1.1, 5000)))
    assert scipy.stats.ks_2samp(ours, theirs).pvalue > 1e-3
    assert np.abs(ours).max() <= math.pi


def test_gradients():
    m = FlatTorus(2)
    loc = double([[0.3, 3.0], [-2.0, 1.0]]).requires_grad_()
    scale = double([0.7, 2.5]).requires_grad_()
    y = double([[0.1, -3.0], [2.0, 2.0]])

    def rsample(loc, scale):
        torch.manual_seed(0)
        return TorusNormal(m, loc, scale).rsample((3,))

    assert gradcheck(lambda loc, scale: TorusNormal(m, loc, scale).log_prob(y), (loc, scale))
    assert gradcheck(rsample, (loc, scale))


def test_shapes_and_dtypes():
    m = FlatTorus(3)
    q = TorusNormal(m, torch.randn(4, 1, 3), torch.rand(5, 3) + 0.1)
    y = q.rsample((7,))
    assert y.shape == (7, 4, 5, 3)
    assert y.dtype == q.log_prob(y).dtype == torch.float32
    assert q.expand((2, 4, 5)).log_prob(q.mode).shape == (2, 4, 5)


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize("value", [0.0, math.nan])
def test_bad_arguments_are_refused(value):
    m = FlatTorus(2)
    with pytest.raises(ValueError, match="scale has to be positive"):
        TorusNormal(m, torch.zeros(2), torch.tensor([1.0, value]))
    with pytest.raises(ValueError, match="the 2 angles"):
        TorusNormal(m, torch.zeros(3), torch.ones(2))


def test_divergence_from_the_uniform_distribution():
    """Against adaptive quadrature of q log q, each angle apart, and the mean over samples."""
    m, scales = FlatTorus(2), [0.05, 0.399, 0.401, 0.7, 1.49, 1.51, 3.0, 8.0]
    q = TorusNormal(m, double([[3.0, -1.0]]), double(scales).unsqueeze(-1).expand(-1, 2))
    turns = 2 * math.pi * np.arange(-30, 31)

    def entropy(scale):
        def term(angle):
            density = scipy.stats.norm.pdf(angle + turns, scale=scale).sum()
            return -scipy.special.xlogy(density, density)

        points = [-5 * scale, 5 * scale] if 5 * scale < math.pi else None
        return scipy.integrate.quad(
            term, -math.pi, math.pi, points=points, epsabs=1e-12, limit=200
        )[0]

    prior = Uniform(m, like=double(0.0))
    found = kl_divergence(q, prior)
    expected = 2 * (math.log(2 * math.pi) - double([entropy(scale) for scale in scales]))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)
    x = q.sample((20_000,))
    estimate = q.log_prob(x) - prior.log_prob(x)
    assert ((estimate.mean(0) - found).abs() < 4 * estimate.std(0) / 20_000**0.5 + 1e-9).all()


def test_gradient_of_the_divergence():
    m = FlatTorus(3)
    scale = double([[0.3, 0.6, 2.0]]).requires_grad_()
    prior = Uniform(m, like=scale.detach())
    assert gradcheck(lambda s: kl_divergence(TorusNormal(m, 0 * s.detach(), s), prior), scale)
    with pytest.raises(ValueError, match="different manifolds"):
        kl_divergence(TorusNormal(m, 0 * scale.detach(), scale), Uniform(FlatTorus(3)))
