"""Every latent space with every likelihood, as configured, without being listed here."""

from functools import cache
from math import isfinite

import pytest
import torch
from omegaconf import DictConfig
from torch import Tensor

from geolatent.cli.build_model import build_model, with_sizes
from geolatent.cli.configuration import compose_config, config_folder
from geolatent.models import VAE, sample
from geolatent.training import TrainingConfig, evaluate, fit

WIDTH = 6  # three binary variables for the categorical likelihood


def _choices(group: str) -> list[str]:
    return sorted(file.stem for file in (config_folder() / group).glob("*.yaml"))


@cache
def _composed(choice: str) -> DictConfig:
    return compose_config("train", [choice])  # the slow part, once for each choice


LATENTS, LIKELIHOODS = _choices("latent"), _choices("likelihood")


def _trained(latent: str, likelihood: str) -> tuple[VAE, Tensor, DictConfig]:
    """A model after an epoch on 16 items, which it drew itself: its likelihood describes them."""
    cfg = _composed(f"likelihood={likelihood}").copy()
    cfg.latent = _composed(f"latent={latent}").latent
    cfg = with_sizes(cfg, WIDTH)
    model = build_model(cfg)
    x = sample(model, 16)
    assert x.shape == (16, WIDTH)
    config = TrainingConfig(epochs=1, batch_size=8, patience=None, uncertainty_epochs=0)
    result = fit(model, x, config=config)
    assert isfinite(result.history[-1].train_loss)
    return model, x, cfg


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
@pytest.mark.parametrize("latent", LATENTS)
def test_trains_for_an_epoch(latent: str, likelihood: str):
    if (latent, likelihood) == ("brownian", "ensemble"):
        # Its members take turns in training: there is no metric for the prior to move in.
        with pytest.raises(ValueError, match="Brownian motion moves"):
            _trained(latent, likelihood)
        return
    _trained(latent, likelihood)


@pytest.mark.parametrize(
    ("latent", "likelihood"),
    [(latent, "gaussian") for latent in LATENTS]
    + [("hyperbolic", likelihood) for likelihood in LIKELIHOODS],
)
def test_comes_back_the_same_and_has_a_geometry(latent: str, likelihood: str):
    model, x, cfg = _trained(latent, likelihood)
    evaluate(model, x)  # raises if a log likelihood is above its floor
    loaded = build_model(cfg).eval()
    loaded.load_state_dict(model.state_dict())
    codes = model.encode(x)
    assert torch.equal(loaded.encode(x), codes)
    assert torch.equal(loaded.decode(codes), model.decode(codes))
    assert torch.equal(loaded.uncertainty(codes), model.uncertainty(codes))
    induced = model.induced_metric().matrix(codes)
    assert (torch.linalg.eigvalsh(induced.double())[..., 0] > -1e-6).all()
