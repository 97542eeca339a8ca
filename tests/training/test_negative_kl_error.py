"""Divergences that none can have stop a run, and chance does not."""

import sys

import pytest
import torch
from torch.distributions import Normal

from geolatent.distributions import RiemannianNormal
from geolatent.latents import RiemannianNormalSpace
from geolatent.likelihoods import Gaussian
from geolatent.manifolds import PoincareBall
from geolatent.models import VAE, elbo
from geolatent.networks import MLP
from geolatent.training import NegativeKlError, TrainingConfig, evaluate, fit
from geolatent.training.negative_kl_error import is_beyond_chance

# A fit that once went to -314,229 nats: noise, 13 dimensions in float32, large steps.
CONFIG = TrainingConfig(epochs=6, patience=None, learning_rate=5e-3, batch_size=40)


def model():
    latent = RiemannianNormalSpace(PoincareBall(13), features="tangent")
    vae = VAE(MLP(10, 14, hidden=(32,)), latent, MLP(13, 10, hidden=(32,)), Gaussian(1.0))
    with torch.no_grad():  # σ = 1.5, so that it starts where that fit arrived later
        vae.encoder[-1].bias[-1] = 0.7
    return vae


@pytest.mark.filterwarnings("ignore:.*of the prior is farther:UserWarning")
@pytest.mark.filterwarnings("ignore:epoch 1.*farther from the origin:UserWarning")
def test_divergences_stay_positive_where_the_coordinates_end():
    vae, x = model(), torch.randn(260, 10)
    history = fit(vae, x[:200], CONFIG).history
    assert min(record.train_kl for record in history) > 0
    found = evaluate(vae, x[200:], samples=4, importance_samples=20)
    assert found.kl > 0
    assert found.iwae < -float(Gaussian(1.0).floor(x).mean())


@pytest.mark.filterwarnings("ignore:.*of the prior is farther:UserWarning")
@pytest.mark.filterwarnings("ignore:epoch 1.*farther from the origin:UserWarning")
def test_a_density_that_draws_do_not_have_stops_the_run(monkeypatch):
    """Without the end of the Riemannian normal and bounded scales the ball moves its draws."""

    def endless(self):
        return torch.full_like(self.spread, 1e6, dtype=torch.float64)

    monkeypatch.setattr(RiemannianNormal, "_reach", endless)
    bound = "geolatent.latents.riemannian_normal_space.storable_scale"
    monkeypatch.setattr(bound, lambda scale, *_, **__: scale)
    vae, x = model(), torch.randn(200, 10)
    with pytest.raises(NegativeKlError, match=r"in epoch \d+ of stage 'main'.*float32.*model.doub"):
        fit(vae, x, CONFIG)
    with pytest.raises(NegativeKlError, match=r"of 200 that were held out"):
        evaluate(vae, x)


def test_the_bound_cannot_exceed_the_likelihood(make_model, parts, monkeypatch):
    vae = make_model()
    most = -float(vae.likelihood.floor(parts[1]).mean())
    module = sys.modules["geolatent.training.evaluate"]
    for excess, raises in ((0.5, False), (2.0, True)):  # of 20 items

        def bound(model, x, *, samples, excess=excess, **options):
            return x.new_full((len(x),), most + excess)

        monkeypatch.setattr(module, "iwae", bound)
        if raises:
            with pytest.raises(ArithmeticError, match=r"2 nats an item above .* Gaussian likel"):
                evaluate(vae, parts[1], importance_samples=3)
        else:
            evaluate(vae, parts[1], importance_samples=3)


def test_a_little_below_zero_is_told_from_chance(make_model, parts, monkeypatch):
    def terms(model, x):
        found = elbo(model, x)
        return found._replace(kl=found.kl - found.kl.detach() + mean)

    monkeypatch.setattr("geolatent.training.train_epoch.elbo", terms)
    config = TrainingConfig(epochs=1, patience=None, batch_size=16)
    mean = -0.5  # of 50 items
    fit(make_model(), parts[0], config)
    mean = -0.7
    with pytest.raises(NegativeKlError, match=r"-0.7 nats an item in epoch 1"):
        fit(make_model(), parts[0], config)


@pytest.mark.parametrize("scale", [0.2, 0.9, 1.1, 30.0])
def test_chance_alone_is_never_taken_for_a_mistake(scale):
    q, p = Normal(0.0, 1.0), Normal(0.3, scale)
    z = q.sample((3000, 40))
    estimates = q.log_prob(z) - p.log_prob(z)
    assert (estimates < 0).any() or scale == 30
    assert not any(is_beyond_chance(-float(row.sum()), 40) for row in estimates)
