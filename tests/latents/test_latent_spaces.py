"""Laws of every latent space; a new one gets its tests by being listed."""

import math

import pytest
import torch

from geolatent.latents import BareDecoder, EuclideanSpace, WrappedNormalSpace, as_latent_model
from geolatent.manifolds import Euclidean, Lorentz, PoincareBall
from geolatent.metrics import EuclideanMetric

SPACES = {
    "euclidean": lambda: EuclideanSpace(3, prior_scale=1.5),
    "wrapped euclidean": lambda: WrappedNormalSpace(Euclidean(3), prior_scale=1.5),
    "lorentz": lambda: WrappedNormalSpace(Lorentz(3, curvature=-0.5)),
    "lorentz, tangent features": lambda: WrappedNormalSpace(Lorentz(3), features="tangent"),
    "poincaré": lambda: WrappedNormalSpace(PoincareBall(3)),
}


@pytest.fixture(params=SPACES)
def space(request):
    return SPACES[request.param]().double()


def test_codes_and_points_are_inverse(space):
    z = torch.randn(4, 5, 3, dtype=torch.float64)
    torch.testing.assert_close(space.code(space.point(z)), z)


def test_sizes_are_what_they_say(space):
    parameters = torch.randn(4, space.parameter_size, dtype=torch.float64)
    point = space.posterior(parameters).rsample()
    assert space.features(point).shape == (4, space.feature_size)
    assert space.code(point).shape == space.location(parameters).shape == (4, space.dim)


def test_posterior_is_at_its_location(space):
    parameters = torch.randn(4, space.parameter_size, dtype=torch.float64)
    parameters[:, 3:] = -30.0  # as narrow as the space allows
    codes = space.code(space.posterior(parameters).rsample((10,)))
    torch.testing.assert_close(
        codes, space.location(parameters).expand(10, 4, 3), atol=5e-3, rtol=0
    )


def test_zero_parameters_give_the_unit_posterior_at_the_origin(space):
    posterior = space.posterior(torch.zeros(space.parameter_size, dtype=torch.float64))
    z = torch.randn(20, 3, dtype=torch.float64)
    unit = type(space)(3) if isinstance(space, EuclideanSpace) else None
    prior = unit.double().prior() if unit else WrappedNormalSpace(space.manifold).double().prior()
    x = space.point(z)
    # MINIMUM_SCALE is added to the unit scale.
    torch.testing.assert_close(posterior.log_prob(x), prior.log_prob(x), atol=5e-3, rtol=0)


def test_distances_from_the_origin_are_norms_of_codes(space):
    z = torch.randn(6, 3, dtype=torch.float64)
    torch.testing.assert_close(space.metric.distance(torch.zeros_like(z), z), z.norm(dim=-1))


def test_follows_its_module_to_another_dtype(space):
    single = space.float()
    sample = single.posterior(torch.zeros(2, single.parameter_size)).rsample()
    assert sample.dtype == single.prior().sample().dtype == torch.float32


@pytest.mark.parametrize("scale", [-1.0, 0.0, math.nan])
def test_refuses_a_bad_prior_scale(scale):
    for make in (
        lambda: EuclideanSpace(2, prior_scale=scale),
        lambda: WrappedNormalSpace(Lorentz(2), prior_scale=scale),
    ):
        with pytest.raises(ValueError, match="prior_scale"):
            make()


@pytest.mark.usefixtures("as_in_production")
def test_refuses_unknown_features_and_dimensions():
    with pytest.raises(ValueError, match="'ambient' or 'tangent'"):
        WrappedNormalSpace(Lorentz(2), features="poincare")
    with pytest.raises(ValueError, match="dim"):
        EuclideanSpace(0)


def test_bare_decoder_is_assumed_flat():
    decoder = torch.nn.Linear(2, 5)
    model = as_latent_model(decoder)
    z = torch.randn(3, 2)
    assert isinstance(model, BareDecoder)
    assert isinstance(model.assumed_metric(), EuclideanMetric)
    assert torch.equal(model.decode(z), decoder(z))
    torch.testing.assert_close(
        model.induced_metric().matrix(z), (decoder.weight.mT @ decoder.weight).expand(3, 2, 2)
    )
    assert as_latent_model(model) is model


@pytest.mark.usefixtures("as_in_production")
def test_refuses_what_is_no_model():
    with pytest.raises(TypeError, match="expected a model or a decoder"):
        as_latent_model(3)
