"""The interface of penalties on the geometry of a decoder."""

import math
from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.metrics import EuclideanMetric, ImmersedMetric, Metric
from geolatent.metrics.directional_derivative import DirectionalDerivative
from geolatent.models.vae import VAE


class Regulariser(ABC):
    """Something added to the training loss so that a decoder gets a geometry that is wanted.

    Implementations are frozen dataclasses of plain numbers: checkpoints write them down.
    """

    @abstractmethod
    def penalty(self, model: VAE, z: Float[Tensor, "b d"]) -> Float[Tensor, ""]:
        """The penalty in the main stage of training, from torch's global generator.

        Args:
            model: in training mode.
            z: codes of a training batch, sampled from the posteriors. They are taken as they are:
                the penalty moves the decoder, not the codes.

        Raises:
            TypeError: the model declares another geometry than a flat one, or its likelihood has
                no immersion.
        """


class Probe(NamedTuple):
    """A decoder's Jacobian along one random direction v for each code, with |v|² = d.

    Attributes:
        direction: v, `(b, d)`.
        stretch: |J v|² = vᵀ G v, `(b,)`; its mean over directions is tr G.
        image: G v, `(b, d)`; the mean of |G v|² is tr G².
    """

    direction: Tensor
    stretch: Tensor
    image: Tensor


def probe(model: VAE, z: Float[Tensor, "b d"], *, metric: Metric | None = None) -> Probe:
    """Push one direction forward through a metric's immersion, and pull it back.

    With its gradient it takes about as long as the bound with its own, whatever d is.

    Args:
        model: whose decoder is probed.
        z: codes.
        metric: another one than the induced.
    """
    metric = model.induced_metric() if metric is None else metric
    if not isinstance(metric, ImmersedMetric):
        raise TypeError(
            f"regularisers need a likelihood with an immersion, and {type(model.likelihood)} has "
            "none: train without one."
        )
    if not isinstance(model.assumed_metric(), EuclideanMetric):
        raise TypeError(
            "regularisers compare the induced metric with a flat one, but the latent space "
            f"declares a {type(model.assumed_metric()).__name__}: use latent=euclidean."
        )
    # Of one length: an isometry then has no variance at all, and every estimate its right sign.
    normal = torch.randn_like(z)
    length = torch.linalg.vector_norm(normal, dim=-1, keepdim=True)
    direction = math.sqrt(z.shape[-1]) * normal / length
    leaf = z.detach().requires_grad_()
    value = metric.immersion(leaf)
    # By reverse mode twice: half the time of forward mode (measured with torch 2.13).
    pushed = DirectionalDerivative(value, leaf).along(direction, differentiable=True)
    (image,) = torch.autograd.grad(value, leaf, pushed, create_graph=True)
    return Probe(direction, pushed.square().sum(-1), image)


def mixed_up(z: Float[Tensor, "b d"], reach: float) -> Float[Tensor, "b d"]:
    r"""Codes between those of a batch and a little beyond them.

    .. math:: α z_i + (1 - α) z_j, \qquad α \sim U(-\text{reach}, 1 + \text{reach})
    """
    share = torch.empty_like(z[:, :1]).uniform_(-reach, 1 + reach)
    partner = z[torch.randperm(len(z), device=z.device)]
    return torch.lerp(partner, z, share)


def check_options(*, weight: float, reach: float) -> None:
    """Raise a ValueError unless both are finite numbers of at least 0."""
    for name, value in (("weight", weight), ("reach", reach)):
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{name}={value!r} must be a finite number of at least 0.")
