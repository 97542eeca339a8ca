from functools import partial

import pytest
import torch

from geolatent.geodesics import distance
from geolatent.latents import (
    BrownianMotionPrior,
    EuclideanSpace,
    LearnedPriorSpace,
    WrappedNormalSpace,
)
from geolatent.likelihoods import Gaussian
from geolatent.manifolds import Lorentz
from geolatent.models import VAE, elbo, sample
from geolatent.networks import MLP

SIZE = 5


def model(decoder):
    learned = partial(BrownianMotionPrior, distance=partial(distance, segments=8), time=2.0)
    latent = LearnedPriorSpace(EuclideanSpace(2), learned)
    return VAE(MLP(SIZE, 4, hidden=(8,)), latent, decoder, Gaussian(0.5)).double()


def test_prior_of_a_linear_decoder_is_a_normal():
    vae = model(MLP(2, SIZE, hidden=()))
    weight = vae.decoder[0].weight.detach() / 0.5
    prior = torch.distributions.MultivariateNormal(
        torch.zeros(2).double(), precision_matrix=weight.mT @ weight / 2.0
    )
    z = torch.randn(6, 2, dtype=torch.float64)
    torch.testing.assert_close(vae.prior().log_prob(z), prior.log_prob(z))


def test_does_not_change_when_codes_are_deformed():
    """A decoder that undoes a deformation first: the density is pushed forward with the codes."""

    class Deformed(torch.nn.Module):
        def __init__(self, decoder):
            super().__init__()
            self.decoder = decoder

        def forward(self, z):
            return self.decoder(torch.stack([z[:, 0], 2 * z[:, 1] - z[:, 0].square()], dim=-1))

    decoder = MLP(2, SIZE, hidden=(16,))
    one, other = model(decoder), model(Deformed(decoder))
    z = 0.5 * torch.randn(6, 2, dtype=torch.float64)
    deformed = torch.stack([z[:, 0], (z[:, 1] + z[:, 0].square()) / 2], dim=-1)
    with torch.no_grad():
        first, second = one.prior().log_prob(z), other.prior().log_prob(deformed)
    torch.testing.assert_close(second, first + torch.tensor(2.0).log(), rtol=0, atol=2e-3)


def test_everything_learns():
    vae = model(MLP(2, SIZE, hidden=(16,)))
    (-elbo(vae, torch.rand(4, SIZE, dtype=torch.float64)).elbo().mean()).backward()
    for name, parameter in vae.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert (parameter.grad != 0).any(), name
    assert sample(vae, 5).shape == (5, SIZE)


def test_refuses_curved_spaces_and_bad_times():
    with pytest.raises(TypeError, match="has to be flat"):
        BrownianMotionPrior(WrappedNormalSpace(Lorentz(2)), distance=distance)
    with pytest.raises(ValueError, match="time"):
        BrownianMotionPrior(EuclideanSpace(2), distance=distance, time=-1.0)


def test_says_once_and_briefly_that_geodesics_have_not_converged():
    learned = partial(BrownianMotionPrior, distance=partial(distance, max_iterations=1))
    latent = LearnedPriorSpace(EuclideanSpace(2), learned)
    vae = VAE(MLP(SIZE, 4), latent, MLP(2, SIZE, hidden=(32,)), Gaussian(0.05)).double()
    codes = 3 * torch.randn(4, 2, dtype=torch.float64)
    with pytest.warns(RuntimeWarning, match="more iterations"):
        vae.prior().log_prob(codes)
    vae.prior().log_prob(codes)  # a warning would be an error


def test_refuses_a_decoder_that_has_no_metric_in_training():
    decoder = torch.nn.Sequential(torch.nn.Linear(2, SIZE), torch.nn.Dropout())
    with pytest.raises(ValueError, match="also while the model is trained"):
        model(decoder).prior()
