import pytest
import torch

from geolatent.latents import EuclideanSpace, ProductSpace, RiemannianNormalSpace
from geolatent.likelihoods import Gaussian
from geolatent.manifolds import Lorentz, PoincareBall
from geolatent.models import VAE, elbo
from geolatent.networks import MLP
from geolatent.training import TrainingConfig, fit
from geolatent.training.storable_prior import require_storable_prior


def model(latent):
    sizes = latent.parameter_size, latent.feature_size
    return VAE(MLP(6, sizes[0], hidden=()), latent, MLP(sizes[1], 6, hidden=()), Gaussian(0.5))


def test_why():
    """In float32 the ball clips such a prior: estimates of a KL divergence far below zero."""
    latent = RiemannianNormalSpace(PoincareBall(20))
    points = latent.prior().sample((200,))
    wide = torch.zeros(200, 21)
    wide[:, -1] = 0.25  # σ = 1.17
    estimate = latent.posterior(wide).log_prob(points) - latent.prior().log_prob(points)
    assert estimate.mean() < -10
    estimate = latent.double().posterior(wide.double())
    assert (estimate.log_prob(x := estimate.sample()) - latent.prior().log_prob(x)).mean() > 0


@pytest.mark.parametrize("product", [False, True])
def test_refuses_to_train_where_points_end(product):
    latent = RiemannianNormalSpace(PoincareBall(20))
    if product:
        latent = ProductSpace([EuclideanSpace(1), latent])
    with pytest.raises(ValueError, match=r"9.% of the prior is farther .* float64"):
        fit(model(latent), torch.rand(8, 6), TrainingConfig(epochs=1, patience=None))


@pytest.mark.parametrize(
    "latent",
    [
        EuclideanSpace(20),
        RiemannianNormalSpace(PoincareBall(10)),
        RiemannianNormalSpace(PoincareBall(20)).double(),
        RiemannianNormalSpace(PoincareBall(20), prior_scale=0.5),
        RiemannianNormalSpace(Lorentz(20)),
    ],
    ids=["flat", "fewer dimensions", "float64", "smaller", "Lorentz"],
)
def test_takes_the_others(latent):
    vae = model(latent).to(next(latent.buffers()).dtype)
    require_storable_prior(vae)
    x = torch.rand(64, 6, dtype=next(vae.parameters()).dtype)
    assert elbo(vae, x).kl.mean() > -1
