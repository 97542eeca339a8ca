"""Every latent space with every likelihood, as configured, without being listed here."""

import subprocess
import sys
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import DictConfig, OmegaConf
from safetensors.torch import load_file, save_file
from torch import Tensor

from geolatent.cli.build_model import build_model, with_sizes
from geolatent.cli.configuration import compose_config, config_folder
from geolatent.models import VAE, sample
from geolatent.training import Snapshot, TrainingConfig, evaluate, fit, save_checkpoint

WIDTH = 6  # three binary variables for the categorical likelihood
ITEMS = 4  # of which outputs are compared


def _choices(group: str) -> list[str]:
    return sorted(file.stem for file in (config_folder() / group).glob("*.yaml"))


@cache
def _composed(choice: str) -> DictConfig:
    return compose_config("train", [choice])  # the slow part, once for each choice


# After an epoch on 16 items, with splines of four segments.
pytestmark = pytest.mark.filterwarnings("ignore:geodesics of a Brownian motion:RuntimeWarning")

LATENTS, LIKELIHOODS = _choices("latent"), _choices("likelihood")
# Its members take turns in training: there is no metric for the prior to move in.
REFUSED = ("brownian", "ensemble")


@cache
def _trained(latent: str, likelihood: str) -> tuple[VAE, Tensor, DictConfig]:
    """A model after an epoch on 16 items, which it drew itself: its likelihood describes them."""
    cfg = _composed(f"likelihood={likelihood}").copy()
    cfg.latent = _composed(f"latent={latent}").latent.copy()
    if latent == "brownian":  # which takes longer than all others together
        cfg.latent.learned.steps, cfg.latent.learned.distance.segments = 2, 4
    if likelihood == "gaussian_rbf":
        cfg.network.decoder.centres = 8  # no more than there are codes
    cfg = with_sizes(cfg, WIDTH)
    model = build_model(cfg)
    x = sample(model, 16)
    assert x.shape == (16, WIDTH)
    config = TrainingConfig(epochs=1, batch_size=8, patience=None, uncertainty_epochs=1)
    result = fit(model, x, config=config)
    assert isfinite(result.history[-1].train_loss)
    return model, x, cfg


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
@pytest.mark.parametrize("latent", LATENTS)
def test_trains_for_an_epoch(latent: str, likelihood: str):
    if (latent, likelihood) == REFUSED:
        with pytest.raises(ValueError, match="Brownian motion moves"):
            _trained(latent, likelihood)
        return
    _trained(latent, likelihood)


@pytest.mark.parametrize(
    ("latent", "likelihood"),
    [(latent, "gaussian") for latent in LATENTS]
    + [("hyperbolic", likelihood) for likelihood in LIKELIHOODS],
)
def test_has_a_geometry_and_stays_below_its_floor(latent: str, likelihood: str):
    model, x, _ = _trained(latent, likelihood)
    evaluate(model, x)  # raises if a log likelihood is above its floor
    induced = model.induced_metric().matrix(model.encode(x))
    assert (torch.linalg.eigvalsh(induced.double())[..., 0] > -1e-6).all()


# What a model says of data, executed here and in a fresh process.
OUTPUTS = """
import torch
from geolatent.models import elbo

@torch.no_grad()
def outputs(model, x):
    codes = model.encode(x)
    torch.manual_seed(3)
    bound = elbo(model, x)
    return {
        "codes": codes,
        "mean": model.decode(codes),
        "spread": model.uncertainty(codes),
        "prior": model.prior().log_prob(model.latent.point(codes)),
        "log likelihood": bound.log_likelihood,
        "kl": bound.kl,
    }
"""

SAID: dict[str, Any] = {}
exec(OUTPUTS, SAID)

RELOADED = f"""
import sys
from pathlib import Path
from omegaconf import OmegaConf
from safetensors.torch import load_file, save_file
from geolatent.cli.build_model import build_model
from geolatent.training import load_weights
{OUTPUTS}

found = {{}}
for file in Path(sys.argv[1]).glob("*.yaml"):
    model = build_model(OmegaConf.load(file))
    load_weights(model, file.with_suffix(".safetensors"))
    x = load_file(file.with_suffix(".data"))["x"]
    for name, value in outputs(model.eval(), x).items():
        found[f"{{file.stem}} {{name}}"] = value.contiguous()
save_file(found, Path(sys.argv[1]) / "found")
"""


def test_all_come_back_the_same_in_a_fresh_process(tmp_path: Path):
    pairs = [(a, b) for a in LATENTS for b in LIKELIHOODS if (a, b) != REFUSED]
    for latent, likelihood in pairs:
        model, x, cfg = _trained(latent, likelihood)
        file = tmp_path / f"{latent} {likelihood}.yaml"
        OmegaConf.save(cfg, file, resolve=False)
        weights = {f"model/{name}": value for name, value in model.state_dict().items()}
        save_checkpoint(file.with_suffix(".safetensors"), Snapshot(weights))
        save_file({"x": x[:ITEMS].contiguous()}, file.with_suffix(".data"))
    done = subprocess.run([sys.executable, "-c", RELOADED, str(tmp_path)], capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    found = load_file(tmp_path / "found")
    for latent, likelihood in pairs:
        model, x, _ = _trained(latent, likelihood)
        for name, value in SAID["outputs"](model, x[:ITEMS]).items():
            name = f"{latent} {likelihood} {name}"
            assert value.isfinite().all(), name
            assert torch.equal(found[name], value), name


def test_what_comes_back_has_its_second_stage():
    """Of decoders that have one: bumps at centres of codes, a floor of the precision."""
    model, x, _ = _trained("euclidean", "gaussian_rbf")
    near = model.encode(x)
    assert (model.uncertainty(near + 100) > 2 * model.uncertainty(near)).all()
