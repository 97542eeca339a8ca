"""Laws of every likelihood; a new one gets its tests by being listed."""

import math

import pytest
import torch
from torch.distributions import kl_divergence

from geolatent.likelihoods import Bernoulli, Gaussian, HeteroscedasticGaussian

SIZE = 3
LIKELIHOODS = {
    "gaussian": Gaussian(0.3),
    "gaussian, learned scale": Gaussian(0.3, learn_scale=True),
    "heteroscedastic gaussian": HeteroscedasticGaussian(minimum_scale=0.1),
    "bernoulli": Bernoulli(),
}
# Whose immersion carries the Fisher-Rao metric itself, not an expected metric.
FISHER_RAO = ["gaussian", "gaussian, learned scale", "bernoulli"]


@pytest.fixture(params=LIKELIHOODS)
def likelihood(request):
    return LIKELIHOODS[request.param].double()


def _features(likelihood, *batch):
    return torch.randn(*batch, likelihood.feature_size(SIZE), dtype=torch.float64)


def test_shapes_and_batches(likelihood):
    features = _features(likelihood, 2, 5)
    distribution = likelihood(features)
    x = distribution.sample()
    assert x.shape == (2, 5, SIZE)
    assert distribution.log_prob(x).shape == likelihood.floor(x).shape == (2, 5)
    assert likelihood.immersion(features).shape[:2] == (2, 5)
    likelihood.validate(x)


def test_no_features_beat_the_floor(likelihood):
    """Optimise the features for one datum each: the floor is approached and never passed."""
    x = torch.rand(4, SIZE, dtype=torch.float64)
    features = _features(likelihood, 4).requires_grad_()
    optimiser = torch.optim.Adam([features], 0.1)
    for _ in range(2000):
        optimiser.zero_grad()
        loss = -likelihood(features).log_prob(x)
        loss.sum().backward()
        optimiser.step()
    excess = (loss - likelihood.floor(x)).detach()
    assert (excess >= -1e-12).all()
    # A learned scale is a parameter of the likelihood and not among the features.
    scale = getattr(likelihood, "scale", None)
    if scale is not None:
        excess = excess - SIZE * (scale / likelihood.minimum_scale).log().detach()
    assert (excess < 0.05).all()


@pytest.mark.parametrize("name", FISHER_RAO)
def test_immersion_carries_the_fisher_rao_metric(name):
    """KL(p_h || p_{h+δ}) = ½ ‖J_φ δ‖² + O(δ³), against torch's own KL divergences."""
    likelihood = LIKELIHOODS[name].double()
    features = _features(likelihood, 20)
    direction = torch.randn_like(features)
    step = 1e-4
    divergence = kl_divergence(likelihood(features), likelihood(features + step * direction))
    _, pushed = torch.func.jvp(likelihood.immersion, (features,), (direction,))
    expected = pushed.square().sum(-1) / 2 * step**2
    # The next term of the series is of relative size step; rounding of the KL about 1e-16 / step².
    torch.testing.assert_close(divergence, expected, rtol=1e-2, atol=1e-14)


def test_expected_metric_of_mean_and_scale():
    """E ‖d(μ + σ ε)‖² over ε equals the immersion's metric, by sampling."""
    likelihood = LIKELIHOODS["heteroscedastic gaussian"].double()
    features = _features(likelihood, 1)
    direction = torch.randn_like(features)
    (_, scale), (mean_step, scale_step) = torch.func.jvp(
        likelihood.mean_and_scale, (features,), (direction,)
    )
    noise = torch.randn(200_000, SIZE, dtype=torch.float64)
    sampled = (mean_step + scale_step * noise).square().sum(-1)
    _, pushed = torch.func.jvp(likelihood.immersion, (features,), (direction,))
    error = sampled.std() / math.sqrt(len(noise))
    assert abs(sampled.mean() - pushed.square().sum()) < 4 * error
    assert (scale > 0.1).all()


def test_immersion_is_differentiable_far_out():
    """Where p rounds to 0 or 1 in the dtype, gradients stay finite."""
    logits = torch.tensor([[-80.0, 0.0, 80.0]], requires_grad=True)
    (gradient,) = torch.autograd.grad(Bernoulli().immersion(logits).sum(), logits)
    assert gradient.isfinite().all()
    assert gradient[0, 1] == pytest.approx(0.5)  # √(p(1−p)) at p = ½


@pytest.mark.parametrize(
    "make",
    [
        lambda: Gaussian(-0.1),
        lambda: Gaussian(0.0),
        lambda: Gaussian(math.nan),
        lambda: Gaussian(1e-4, learn_scale=True),
        lambda: HeteroscedasticGaussian(minimum_scale=-1.0),
    ],
)
def test_refuses_a_bad_scale(make):
    with pytest.raises(ValueError, match="scale"):
        make()


def test_refuses_data_outside_the_support():
    with pytest.raises(ValueError, match=r"from 0 to 1, but these run from -1 to 2"):
        Bernoulli().validate(torch.tensor([[-1.0, 2.0]]))
    with pytest.raises(ValueError, match="1 entries that are NaN"):
        Gaussian().validate(torch.tensor([[math.nan, 2.0]]))
