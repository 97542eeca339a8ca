"""Codes that run away are seen and told."""

import pytest
import torch

from geolatent.latents import (
    EuclideanSpace,
    RhvaeSpace,
    RiemannianNormalSpace,
    WrappedNormalSpace,
)
from geolatent.likelihoods import Gaussian
from geolatent.manifolds import Lorentz, PoincareBall
from geolatent.models import VAE
from geolatent.networks import MLP
from geolatent.training import TrainingConfig, fit
from geolatent.training.watch_codes import watch_codes


def _model(latent):
    return VAE(MLP(6, latent.parameter_size), latent, MLP(latent.feature_size, 6), Gaussian(1.0))


def test_codes_near_the_origin_are_fine():
    x = torch.randn(20, 6)
    for latent in (EuclideanSpace(2), WrappedNormalSpace(Lorentz(2))):
        watched = watch_codes(_model(latent), x, seed=0)
        report = watched.codes
        assert report.largest_radius > 0
        assert report.share_beyond_valid == report.share_clipped == watched.zero_gradients == 0
        assert watched.advice == ""


def test_draws_are_looked_at_too():
    """Locations at the origin, draws where volume is: of twelve dimensions at radius 11."""
    latent = RiemannianNormalSpace(Lorentz(12))
    model = _model(latent)
    with torch.no_grad():
        model.encoder[-1].weight.zero_()
        model.encoder[-1].bias.zero_()  # σ = 1
    watched = watch_codes(model, torch.randn(200, 6), seed=0)
    radius = latent.code(latent.prior().sample((2000,))).norm(dim=-1)
    share = float((radius > 9.728).float().mean())
    assert watched.codes.share_beyond_valid == pytest.approx(share, abs=0.1)
    assert "float64" in watched.advice


def test_every_output_of_a_learned_metric_gets_its_gradient():
    """It learns from the batch, in training only."""
    model = _model(RhvaeSpace(2, centroids=10))
    watched = watch_codes(model, torch.randn(20, 6), seed=0)
    assert watched.zero_gradients == 0
    assert watched.advice == ""
    assert model.latent.training


def test_outputs_without_gradient_are_told():
    model = _model(EuclideanSpace(2))
    model.encoder = torch.nn.Sequential(model.encoder, torch.nn.Hardtanh())
    with torch.no_grad():
        model.encoder[0][-1].bias.fill_(9.0)
    assert watch_codes(model, torch.randn(20, 6), seed=0).zero_gradients == 0
    model = _model(EuclideanSpace(2))
    with torch.no_grad():
        model.encoder[-1].bias[2:] = -200.0  # softplus is flat there
    watched = watch_codes(model, torch.randn(20, 6), seed=0)
    assert watched.zero_gradients == 0.5
    assert watched.advice.startswith("50.0% of the encoder's outputs get no gradient")


def test_clipped_codes_have_no_gradient_and_say_so():
    latent = WrappedNormalSpace(PoincareBall(2))
    model = _model(latent)
    with torch.no_grad():
        model.encoder[-1].bias[:2] = 40.0
    watched = watch_codes(model, torch.randn(20, 6), seed=0)
    assert watched.codes.share_clipped == 1
    assert watched.zero_gradients > 0
    assert "Lorentz" in watched.advice
    assert "get no gradient" in watched.advice


def test_leaves_random_states_modes_and_gradients_alone():
    model = _model(EuclideanSpace(2)).train()
    x = torch.ones(5, 6)
    before = torch.get_rng_state()
    watch_codes(model, x, seed=3)
    assert torch.equal(torch.get_rng_state(), before)
    assert model.training
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not model.encoder._forward_hooks


def test_frozen_encoder():
    model = _model(EuclideanSpace(2))
    for parameter in model.encoder.parameters():
        parameter.requires_grad_(False)
    watched = watch_codes(model, torch.randn(5, 6), seed=0)
    assert watched.codes.largest_radius > 0
    assert watched.zero_gradients == 0


def test_the_log_tells_and_the_advice_comes_once(tmp_path):
    model = _model(WrappedNormalSpace(PoincareBall(2)))
    with torch.no_grad():
        model.encoder[-1].bias[:2] = 40.0
    with pytest.warns(UserWarning, match="epoch 1: .*Lorentz") as caught:
        result = fit(
            model,
            torch.randn(32, 6),
            TrainingConfig(epochs=2, batch_size=16, learning_rate=1e-6, patience=None),
            directory=tmp_path,
        )
    assert len([w for w in caught if "Lorentz" in str(w.message)]) == 1
    assert [record.clipped for record in result.history] == [1, 1]
    header, *rows = (tmp_path / "log.csv").read_text().splitlines()
    assert "dtype,largest_radius,beyond_valid_radius,clipped,zero_gradients,advice" in header
    assert all("float32" in row and "use Lorentz" in row for row in rows)
