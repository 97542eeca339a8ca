import math
from functools import partial

import pytest
import torch
from torch.distributions import MultivariateNormal, kl_divergence

from geolatent.latents import EuclideanSpace, ProductSpace, TorusSpace, WrappedNormalSpace
from geolatent.likelihoods import Bernoulli, Ensemble, Gaussian, HeteroscedasticGaussian
from geolatent.manifolds import Lorentz, PoincareBall
from geolatent.models import VAE, elbo, iwae, sample
from geolatent.models.elbo import kl_term
from geolatent.networks import MLP, EnsembleDecoder

SIZE = 6
SPACES = {
    "euclidean": lambda: EuclideanSpace(2),
    "lorentz": lambda: WrappedNormalSpace(Lorentz(2)),
    "poincaré": lambda: WrappedNormalSpace(PoincareBall(2)),
}
LIKELIHOODS = {
    "gaussian": lambda: Gaussian(0.5),
    "learned": lambda: Gaussian(0.5, learn_scale=True),
    "heteroscedastic": lambda: HeteroscedasticGaussian(),
    "bernoulli": lambda: Bernoulli(),
}


def _model(space, likelihood, *, hidden=(16,)):
    latent, likelihood = SPACES[space](), LIKELIHOODS[likelihood]()
    encoder = MLP(SIZE, latent.parameter_size, hidden=hidden)
    decoder = MLP(latent.feature_size, likelihood.feature_size(SIZE), hidden=hidden)
    return VAE(encoder, latent, decoder, likelihood).double()


@pytest.fixture
def x():
    return torch.rand(5, SIZE, dtype=torch.float64)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
@pytest.mark.parametrize("space", SPACES)
class TestEveryCombination:
    def test_one_step_of_training_has_finite_gradients(self, space, likelihood, x):
        model = _model(space, likelihood)
        terms = elbo(model, x)
        assert terms.log_likelihood.shape == terms.kl.shape == (5,)
        (-terms.elbo().mean()).backward()
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name

    def test_encodes_decodes_and_measures(self, space, likelihood, x):
        model = _model(space, likelihood).eval()
        z = model.encode(x)
        assert z.shape == (5, 2)
        assert model.decode(z).shape == (5, SIZE)
        assert (model.uncertainty(z) > 0).all()
        assert torch.linalg.eigvalsh(model.induced_metric().matrix(z)).min() > 0
        assert sample(model, 7).shape == (7, SIZE)


@pytest.mark.parametrize("space", SPACES)
def test_iwae_does_not_depend_on_its_chunks(space, x):
    """Blocks of data, of draws and all at once differ in the order of the draws only."""
    values = [iwae(_model(space, "gaussian"), x[:0], samples=3)]
    assert values.pop().shape == (0,)
    model = _model(space, "gaussian")
    for chunk in (200, 3_000, 10**8):
        repeats = torch.stack([iwae(model, x, samples=50, chunk=chunk) for _ in range(4)])
        values.append((repeats.mean(0), repeats.std(0)))
    for mean, spread in values[:2]:
        # 5 standard errors of the difference, of spreads that are known from four values.
        error = (spread + values[2][1] + 0.02) / 2
        assert ((mean - values[2][0]).abs() < 5 * error).all()


@pytest.mark.parametrize("members", [1, 8])
def test_iwae_holds_as_many_numbers_as_it_is_told(members):
    """Whatever the size of a datum and of the decoder, counted where it decodes."""
    likelihood = Ensemble(Bernoulli(), members=members)
    decoder = EnsembleDecoder(partial(MLP, 2, hidden=(8,)), members=members, out_size=members * 300)
    model = VAE(MLP(300, 4, hidden=()), EuclideanSpace(2), decoder, likelihood).eval()
    decoded = []
    decoder.register_forward_hook(lambda module, given, features: decoded.append(features.shape))
    for chunk in (30_000, 300_000):
        decoded.clear()
        iwae(model, torch.rand(20, 300), samples=30, chunk=chunk)
        sizes = [shape.numel() for shape in decoded if shape.numel() > 2 * members * 300]
        assert chunk / 8 < max(sizes) < chunk
        assert sum(sizes) == 20 * 30 * members * 300


def test_euclidean_elbo_equals_the_closed_form(x):
    """A linear decoder with a Gaussian likelihood: both terms of the bound are known."""
    model = _model("euclidean", "gaussian", hidden=())
    posterior = model.posterior(x)
    mean, variance = posterior.mean, posterior.variance
    weight, bias = model.decoder[0].weight, model.decoder[0].bias
    residual = x - mean @ weight.mT - bias
    spread = torch.einsum("pi,bi,pi->b", weight, variance, weight)
    expected_log_likelihood = (
        -(residual.square().sum(1) + spread) / (2 * 0.5**2)
        - SIZE * math.log(0.5)
        - SIZE / 2 * math.log(2 * math.pi)
    )
    expected_kl = (mean.square() + variance - 1 - variance.log()).sum(1) / 2
    draws = [elbo(model, x.repeat(2000, 1)) for _ in range(5)]
    log_likelihood = torch.cat([d.log_likelihood for d in draws]).view(-1, 5).detach()
    error = log_likelihood.std(0) / math.sqrt(len(log_likelihood))
    assert ((log_likelihood.mean(0) - expected_log_likelihood).abs() < 4 * error).all()
    torch.testing.assert_close(elbo(model, x).kl, expected_kl)


def test_iwae_reaches_the_exact_likelihood_of_a_linear_model(x):
    model = _model("euclidean", "gaussian", hidden=())
    weight, bias = model.decoder[0].weight, model.decoder[0].bias
    covariance = weight @ weight.mT + 0.5**2 * torch.eye(SIZE, dtype=torch.float64)
    exact = MultivariateNormal(bias, covariance).log_prob(x)
    estimate = iwae(model, x, samples=50_000)
    bound = elbo(model, x.repeat(500, 1)).elbo().view(500, 5).mean(0)
    torch.testing.assert_close(estimate, exact, atol=0.02, rtol=0)
    assert (bound < exact).all()


def test_wrapped_kl_is_unbiased_and_positive(x):
    """Against the analytic divergence in the one case where both exist: a flat wrapped space."""
    from geolatent.manifolds import Euclidean

    wrapped, flat = WrappedNormalSpace(Euclidean(2)).double(), EuclideanSpace(2).double()
    parameters = torch.randn(1, 4, dtype=torch.float64)
    point = wrapped.posterior(parameters).sample((100_000,))
    ratio = wrapped.posterior(parameters).log_prob(point) - wrapped.prior().log_prob(point)
    analytic = torch.distributions.kl_divergence(flat.posterior(parameters), flat.prior())
    assert abs(ratio.mean() - analytic) < 4 * ratio.std() / math.sqrt(100_000)


def test_induced_metric_refuses_a_model_in_training_mode():
    model = _model("euclidean", "gaussian")
    model.decoder = torch.nn.Sequential(model.decoder, torch.nn.Dropout(0.1))
    with pytest.raises(ValueError, match=r"training mode"):
        model.induced_metric()
    model.eval().induced_metric()


@pytest.mark.parametrize("arguments", [{"samples": 0}, {"samples": 5, "chunk": 0}])
def test_iwae_refuses_bad_counts(x, arguments):
    with pytest.raises(ValueError, match="at least 1"):
        iwae(_model("euclidean", "gaussian"), x, **arguments)


def test_kl_of_a_product_is_known_where_its_parts_are():
    """Flat and toroidal parts have no noise; the sum is right in the mean."""
    spaces = [TorusSpace(2), EuclideanSpace(1), WrappedNormalSpace(Lorentz(2))]
    latent = ProductSpace(spaces).double()
    parameters = torch.randn(12, dtype=torch.float64).expand(4_000, -1)
    posterior, prior = latent.posterior(parameters), latent.prior()
    x = posterior.sample()
    known = zip(posterior.factors[:2], prior.factors[:2], strict=True)
    expected = sum(kl_divergence(*pair) for pair in known)
    last = posterior.split(x)[2]
    sampled = posterior.factors[2].log_prob(last) - prior.factors[2].log_prob(last)
    torch.testing.assert_close(kl_term(posterior, prior, x), expected + sampled)
    estimate = posterior.log_prob(x) - prior.log_prob(x)
    error = 4 * estimate.std() / len(x) ** 0.5
    assert (kl_term(posterior, prior, x).mean() - estimate.mean()).abs() < error
    assert sampled.std() < estimate.std()
