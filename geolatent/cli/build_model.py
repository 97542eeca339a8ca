"""From a configuration to a model."""

from typing import Any

import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import InterpolationKeyError

from geolatent.models import VAE


def with_sizes(cfg: DictConfig, data_width: int) -> DictConfig:
    """A copy of the configuration in which every network knows its sizes.

    Networks say ``in_size: ${sizes.features}`` and the like; the latent space and the likelihood
    know these numbers once the width of the data is known.

    Args:
        cfg: with the nodes `latent`, `likelihood` and `network`.
        data_width: p, the number of data features.

    Returns:
        The copy, complete: `build_model` needs nothing else, now or when the run is loaded.
    """
    complete = cfg.copy()
    with open_dict(complete):
        complete.sizes.data = data_width  # which a latent space may refer to
        latent, likelihood = _make(complete, "latent"), _make(complete, "likelihood")
        complete.sizes.posterior = latent.parameter_size
        complete.sizes.features = latent.feature_size
        complete.sizes.likelihood = likelihood.feature_size(data_width)
    return complete


def build_model(cfg: DictConfig) -> VAE:
    """Build the model that a complete configuration describes, with fresh weights.

    Args:
        cfg: from `with_sizes`, or read from the folder of a run.

    Returns:
        The model, on the CPU, with torch's default dtype.

    Raises:
        ValueError: the networks, the latent space and the likelihood do not belong together.
    """
    network = OmegaConf.select(cfg, "network")
    model = VAE(
        encoder=_network(network, "encoder"),
        latent=_make(cfg, "latent"),
        decoder=_network(network, "decoder"),
        likelihood=_make(cfg, "likelihood"),
    )
    sizes = cfg.sizes
    for name, module, taken, emitted in (
        ("encoder", model.encoder, sizes.data, sizes.posterior),
        ("decoder", model.decoder, sizes.features, sizes.likelihood),
    ):
        with torch.no_grad():
            width = module(torch.zeros(2, taken)).shape[-1]
        if width != emitted:
            needs = "the latent space" if name == "encoder" else "the likelihood"
            raise ValueError(
                f"network.{name} emits {width} numbers, but {needs} takes {emitted}: the two do "
                "not belong together. likelihood=gaussian_rbf brings the network that it needs."
            )
    model.prior()  # raises where the networks do not give one in training
    return model


def _make(cfg: DictConfig, part: str) -> Any:
    return instantiate(cfg[part], _convert_="all")


def _network(network: DictConfig, part: str) -> Any:
    try:
        return instantiate(network[part], _convert_="all")
    except InterpolationKeyError as error:
        raise ValueError(
            f"network.{part} refers to what the latent space or likelihood does not have: {error}. "
            "network=mlp_ensemble and network=convolutional_ensemble belong to likelihood=ensemble."
        ) from error
