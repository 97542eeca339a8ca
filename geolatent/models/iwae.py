"""The importance-weighted bound."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.latents import RefinedPosterior
from geolatent.models.elbo import joint_density
from geolatent.models.vae import VAE
from geolatent.numerics.held_numbers import HELD_AT_ONCE, held_numbers


@torch.no_grad()
def iwae(
    model: VAE, x: Float[Tensor, "m p"], *, samples: int, chunk: int = HELD_AT_ONCE
) -> Float[Tensor, "m"]:
    r"""Importance-weighted estimate of log p(x), in nats.

    .. math:: \log \frac1K \sum_{k=1}^K \frac{p(x | z_k)\, p(z_k)}{q(z_k | x)}, \quad z_k \sim q

    In expectation it rises with K from the evidence lower bound to log p(x).

    Args:
        model: the model.
        x: data, `(m, p)`.
        samples: K.
        chunk: how many numbers to hold at once, unless one draw for one datum takes more: bounds
            the memory, and changes only in which order the draws are made. What a draw holds is
            measured: its way through the decoder, the likelihood and the prior.

    Returns:
        One value for each datum, `(m,)`.

    Raises:
        ValueError: `samples` or `chunk` is below one.

    References:
        Burda, Y., Grosse, R., Salakhutdinov, R. (2016). Importance weighted autoencoders.
        arXiv 1509.00519.
    """
    if samples < 1 or chunk < 1:
        raise ValueError(f"samples and chunk must be at least 1, got {samples} and {chunk}.")
    if len(x) == 0:
        return x.new_zeros(0)
    together = max(1, chunk // _held(model, x[:1]))
    blocks = x.split(together) if together < len(x) else (x,)
    return torch.cat([_block(model, block, samples, together) for block in blocks])


def _held(model: VAE, x: Float[Tensor, "1 p"]) -> int:
    """How many numbers a draw for one datum holds."""
    posterior = model.posterior(x)
    log_joint = joint_density(model, model.prior(), x)

    def log_weight(point: Tensor) -> Tensor:
        return log_joint(point.unsqueeze(1)) - posterior.log_prob(point.unsqueeze(1))

    return held_numbers(log_weight, posterior.sample()[0]).graph


def _block(model: VAE, x: Tensor, samples: int, together: int) -> Tensor:
    """The estimate for some data, with some draws together for all of them."""
    at_once = max(1, min(samples, together // len(x)))
    posterior, prior = model.posterior(x), model.prior()
    log_joint = joint_density(model, prior, x)
    total = x.new_full(x.shape[:1], -math.inf)
    for first in range(0, samples, at_once):
        point = posterior.sample((min(at_once, samples - first),))
        if isinstance(posterior, RefinedPosterior):
            _, log_density, joint = posterior.refine(point, log_joint)
        else:
            log_density, joint = posterior.log_prob(point), log_joint(point)
        total = torch.logaddexp(total, (joint - log_density).logsumexp(0))
    return total - math.log(samples)
