"""Parts whose numbers fit and whose meanings do not are refused before anything is trained."""

import pytest
import torch
from hydra.errors import InstantiationException

from geolatent.cli.build_model import build_model, with_sizes
from geolatent.cli.configuration import compose_config
from geolatent.latents import EuclideanSpace, WrappedNormalSpace
from geolatent.likelihoods import Ensemble, Gaussian
from geolatent.manifolds import Lorentz, PoincareBall
from geolatent.models import VAE
from geolatent.networks import MLP, EnsembleDecoder, Gyroplane

REFUSED = {
    "gyroplane on tangent features": (
        ["latent=poincare_tangent", "network=mlp_gyroplane"],
        "tangent vectors",
    ),
    "gyroplane on a flat space": (["network=mlp_gyroplane"], "needs a hyperbolic space"),
    "gyroplane on a sphere": (["latent=sphere", "network=mlp_gyroplane"], "hyperbolic"),
    "ensemble network alone": (["network=mlp_ensemble"], "likelihood=ensemble"),
    "ensemble by one convolutional network": (
        ["likelihood=ensemble", "network=convolutional"],
        "convolutional_ensemble",
    ),
    "ensemble by one perceptron": (["likelihood=ensemble", "network=mlp"], "trained apart"),
    "radial basis functions for counts": (
        ["likelihood=zero_inflated_negative_binomial", "network=mlp_rbf"],
        "gaussian_rbf",
    ),
    "Brownian motion with members in turn": (
        ["latent=brownian", "likelihood=ensemble"],
        "while the model is trained",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refuses_configurations(case):
    overrides, message = REFUSED[case]
    with pytest.raises((ValueError, InstantiationException), match=message):
        build_model(with_sizes(compose_config("train", overrides), 64))


@pytest.mark.parametrize(
    "overrides",
    [
        ["likelihood=ensemble", "network=convolutional_ensemble", "likelihood.members=2"],
        ["latent=vamp", "latent@latent.space=poincare", "network=mlp_gyroplane"],
    ],
)
def test_builds_what_fits(overrides):
    model = build_model(with_sizes(compose_config("train", overrides), 64)).eval()
    assert model.decode(torch.zeros(3, 2)).shape == (3, 64)


def test_refuses_other_manifolds_and_numbers_of_members():
    layers = torch.nn.Sequential(Gyroplane(Lorentz(2, curvature=-2.0), 4), torch.nn.Linear(4, 5))
    for manifold in Lorentz(2), PoincareBall(2):
        with pytest.raises(ValueError, match="the manifold of the latent space"):
            VAE(MLP(5, 4), WrappedNormalSpace(manifold), layers, Gaussian(0.1))
    decoder = EnsembleDecoder(lambda out_size: MLP(2, out_size), members=3, out_size=12)
    with pytest.raises(ValueError, match="3 members and the likelihood 4"):
        VAE(MLP(3, 4), EuclideanSpace(2), decoder, Ensemble(Gaussian(0.1), members=4))
    with pytest.raises(ValueError, match="features of several"):
        VAE(MLP(3, 4), EuclideanSpace(2), decoder, Gaussian(0.1))
