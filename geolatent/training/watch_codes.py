"""Whether codes stay where their coordinates can be trusted, and gradients still reach them."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.latents import CodeReport, monitor
from geolatent.models import VAE, elbo
from geolatent.training.evaluation_mode import evaluation_mode
from geolatent.training.random_state import isolated_random

WATCHED = 256
"""Items that are looked at after an epoch: one more batch or two, 2 % of an epoch of 5000."""
_FEW = 0.01  # of the gradients may vanish by underflow


@dataclass(frozen=True)
class WatchedCodes:
    """What was seen.

    Attributes:
        codes: of the posteriors' locations or of a draw from each, whichever are worse off.
        zero_gradients: share of the encoder's outputs whose gradient of the loss is exactly zero:
            nothing can move these any more.
    """

    codes: CodeReport
    zero_gradients: float

    @property
    def advice(self) -> str:
        """What to do about both; empty if there is nothing to do."""
        if self.zero_gradients <= _FEW:
            return self.codes.advice
        said = (
            f"{self.zero_gradients:.1%} of the encoder's outputs get no gradient, so that they "
            "cannot be trained any more: lower the learning rate or clip gradients, start from "
            "another seed, and look for outputs that the latent space or the decoder ignores."
        )
        return f"{self.codes.advice} {said}".lstrip()


def watch_codes(model: VAE, x: Float[Tensor, "n p"], *, seed: int) -> WatchedCodes:
    """Look at the codes of some data, and at the gradients that they get in training.

    Args:
        model: the model.
        x: data, `(n, p)`, n at least 1.
        seed: of the sample of the posterior; the caller's random states stay as they were.

    Returns:
        What was seen.
    """
    outputs: list[Tensor] = []
    with isolated_random(seed), evaluation_mode(model), torch.enable_grad():
        # Networks stay as they are evaluated, but a space that learns from the batch has to.
        model.latent.train()
        handle = model.encoder.register_forward_hook(lambda *call: outputs.append(call[2]))
        try:
            terms = elbo(model, x)
        finally:
            handle.remove()
        parameters, share = outputs[0], 0.0
        if parameters.requires_grad:  # not of a frozen encoder
            (gradient,) = torch.autograd.grad(-terms.elbo().sum(), parameters)
            share = float((gradient == 0).to(gradient).mean())
    with torch.no_grad():
        both = model.latent.location(parameters), model.latent.code(terms.point)
    worst = max((monitor(model.latent, codes) for codes in both), key=_distress)
    return WatchedCodes(worst, share)


def _distress(report: CodeReport) -> tuple[float, float, float]:
    return report.share_clipped, report.share_beyond_valid, report.largest_radius
