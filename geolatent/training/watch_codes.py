"""Whether codes stay where their coordinates can be trusted, and gradients still reach them."""

import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.latents import CodeReport, monitor
from geolatent.models import VAE, elbo
from geolatent.training.evaluation_mode import evaluation_mode
from geolatent.training.random_state import isolated_random

WATCHED = 256
"""Items that are looked at after an epoch: one more batch or two, 2 % of an epoch of 5000."""


def watch_codes(model: VAE, x: Float[Tensor, "n p"], *, seed: int) -> tuple[CodeReport, float]:
    """Look at the codes of some data.

    Args:
        model: the model.
        x: data, `(n, p)`, n at least 1.
        seed: of the sample of the posterior; the caller's random states stay as they were.

    Returns:
        Where the codes of the posteriors' locations are, and the share of the encoder's outputs
        whose gradient of the loss is exactly zero: nothing can move these any more.
    """
    outputs: list[Tensor] = []
    with isolated_random(seed), evaluation_mode(model), torch.enable_grad():
        handle = model.encoder.register_forward_hook(lambda *call: outputs.append(call[2]))
        try:
            loss = -elbo(model, x).elbo().sum()
        finally:
            handle.remove()
        parameters = outputs[0]
        if not parameters.requires_grad:  # a frozen encoder
            return monitor(model.latent, model.latent.location(parameters)), 0.0
        (gradient,) = torch.autograd.grad(loss, parameters)
    codes = model.latent.location(parameters.detach())
    return monitor(model.latent, codes), float((gradient == 0).to(gradient).mean())
