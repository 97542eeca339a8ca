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
    """The ball of float32 ends before such a prior does: it is another one than in float64."""
    latent = RiemannianNormalSpace(PoincareBall(20))
    radius = latent.code(latent.prior().sample((200,))).norm(dim=-1)
    assert 13 < radius.min() < radius.max() < 15.9
    radius = latent.double().code(latent.prior().sample((200,))).norm(dim=-1)
    assert (radius - 19).abs().mean() < 1


@pytest.mark.parametrize("product", [False, True])
def test_refuses_to_train_where_points_end(product):
    latent = RiemannianNormalSpace(PoincareBall(20))
    if product:
        latent = ProductSpace([EuclideanSpace(1), latent])
    with pytest.raises(ValueError, match=r"3.% of the prior is as far .* float64"):
        fit(model(latent), torch.rand(8, 6), TrainingConfig(epochs=1, patience=None))


@pytest.mark.parametrize(
    "latent",
    [
        EuclideanSpace(20),
        RiemannianNormalSpace(PoincareBall(8)),
        RiemannianNormalSpace(PoincareBall(20)).double(),
        RiemannianNormalSpace(PoincareBall(20), prior_scale=0.5),
        RiemannianNormalSpace(Lorentz(20)).double(),
    ],
    ids=["flat", "fewer dimensions", "float64", "smaller", "Lorentz"],
)
def test_takes_the_others(latent):
    vae = model(latent).to(next(latent.buffers()).dtype)
    require_storable_prior(vae)
    x = torch.rand(64, 6, dtype=next(vae.parameters()).dtype)
    assert elbo(vae, x).kl.mean() > -1


@pytest.mark.parametrize("manifold", [Lorentz(20), PoincareBall(12)], ids=str)
def test_tells_where_points_are_hardly_resolved(manifold):
    """(Lorentz stores such points, up to radius 43.)"""
    vae = model(RiemannianNormalSpace(manifold))
    with pytest.warns(UserWarning, match=r"of the prior is farther .* than the 9.73 .* float64"):
        require_storable_prior(vae)
