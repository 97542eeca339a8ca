"""A variational autoencoder whose posteriors are known."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from geolatent.latents import EuclideanSpace
from geolatent.likelihoods import Gaussian
from geolatent.models import VAE


def linear_model(
    gains: Sequence[float] | Float[Tensor, "d"],
    *,
    scale: float | None = None,
    prior_scale: float = 1.0,
) -> VAE:
    r"""Encodes feature i as code i times a gain: q(z_i | x) = N(a_i x_i, s_i²).

    Args:
        gains: a, at most 1 in size unless a scale is given.
        scale: s of all; by default √(1 − a²), with which unit normal data have the aggregated
            posterior N(0, 1).
        prior_scale: of the prior.

    Returns:
        The model in evaluation mode; its decoder is not trained.
    """
    a = torch.as_tensor(gains)
    d = len(a)
    scales = (1 - a.square()).sqrt() if scale is None else torch.full((d,), scale)
    encoder = nn.Linear(d, 2 * d)
    with torch.no_grad():
        encoder.weight.zero_()
        encoder.weight[:d] = torch.diag(a)
        encoder.bias[:d] = 0
        # The inverse of the shifted softplus that makes scales positive.
        encoder.bias[d:] = torch.log(torch.expm1(scales)) - math.log(math.expm1(1))
    space = EuclideanSpace(d, prior_scale=prior_scale)
    return VAE(encoder, space, nn.Linear(d, d), Gaussian(1.0)).requires_grad_(False).eval()
