"""Latent spaces that look at training data: what they see, and exact resume of what they keep."""

from functools import partial

import pytest
import torch

from geolatent.latents import EuclideanSpace, LearnedPriorSpace, RhvaeSpace, VampPrior
from geolatent.likelihoods import Gaussian
from geolatent.models import VAE
from geolatent.networks import MLP
from geolatent.training import Callback, TrainingConfig, fit

CONFIG = TrainingConfig(epochs=4, batch_size=16, learning_rate=1e-2)
SPACES = {
    "rhvae": lambda: RhvaeSpace(2, centroids=8),
    "vamp": lambda: LearnedPriorSpace(
        EuclideanSpace(2), partial(VampPrior, components=8, data_size=6)
    ),
}


def model(space):
    torch.manual_seed(4)
    latent = SPACES[space]()
    encoder = MLP(6, latent.parameter_size, hidden=(8,))
    return VAE(encoder, latent, MLP(2, 6, hidden=(8,)), Gaussian(0.5))


class Interrupt(Callback):
    def on_epoch_end(self, run, record):
        if record.epoch == 2:
            raise KeyboardInterrupt


@pytest.mark.parametrize("space", SPACES)
def test_resumes_exactly(space, parts, tmp_path):
    whole = model(space)
    fit(whole, parts, CONFIG)
    resumed = model(space)
    with pytest.raises(KeyboardInterrupt):
        fit(resumed, parts, CONFIG, directory=tmp_path, callbacks=[Interrupt()])
    resumed = model(space)
    fit(resumed, parts, CONFIG, directory=tmp_path, resume=True)
    for (name, one), other in zip(
        whole.state_dict().items(), resumed.state_dict().values(), strict=True
    ):
        assert torch.equal(one, other), name


def test_best_weights_keep_the_metric_of_their_codes(parts):
    vae = model("rhvae")
    result = fit(vae, parts, CONFIG)
    assert result.best_epoch >= 1
    with torch.no_grad():
        rows = torch.linspace(0, 49, 8).round().long()
        assert torch.equal(vae.latent.centroids, vae.encode(parts[0][rows]))
