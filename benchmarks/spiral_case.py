"""A spiral of codes between whose turns the decoder is uncertain."""

import math

import torch
from case import Case
from jaxtyping import Float
from torch import Tensor, nn
from typing_extensions import override

from geolatent.likelihoods import HeteroscedasticGaussian
from geolatent.networks import RbfPrecisionDecoder

SPIRAL = "spiral"
SPIRAL_PAIRS = 50  # of which a solve takes as long as one of 500 pairs elsewhere

_CODES = 1000
_FEATURES = 30
_SCALE = 0.05  # σ at the codes; far from them it is 1


def spiral_case(pairs: int) -> Case:
    """Codes along two turns, and a decoder that is linear but for its uncertainty.

    The metric of its mean and standard deviation makes it costly to cross from one turn to the
    next: straight lines are bad curves to start from, and many pairs are joined by several minima.
    """
    generator = torch.Generator().manual_seed(0)
    t = torch.rand(_CODES, generator=generator).sqrt()  # as many codes for each length
    angle = 4 * math.pi * t
    noise = 0.03 * torch.randn(_CODES, 2, generator=generator)
    codes = (0.5 + 3 * t)[:, None] * torch.stack([angle.cos(), angle.sin()], 1) + noise
    decoder = _UncertainSpiral(codes, generator).eval().requires_grad_(False)
    order = torch.randperm(_CODES, generator=generator)
    start, end = codes[order[: 2 * pairs]].chunk(2)
    return Case(SPIRAL, "spiral", decoder, start, end, codes=codes)


class _UncertainSpiral(nn.Module):
    """z ↦ (μ, σ): the expected metric of Arvanitidis, Hansen and Hauberg (2018) as an immersion."""

    def __init__(self, codes: Float[Tensor, "n 2"], generator: torch.Generator) -> None:
        super().__init__()
        mean = nn.Linear(2, _FEATURES)
        frame = torch.linalg.qr(torch.randn(_FEATURES, 2, generator=generator)).Q
        mean.weight = nn.Parameter(frame)
        # Twice the spread of a cluster: centres along the spiral then leave no ripple between them.
        self.decoder = RbfPrecisionDecoder(
            mean, 2, _FEATURES, bandwidth_factor=2, initial_scale=_SCALE
        )
        self.decoder.begin_uncertainty_fit(codes)
        self.likelihood = HeteroscedasticGaussian()

    @override
    def forward(self, z: Float[Tensor, "*b 2"]) -> Float[Tensor, "*b k"]:
        return self.likelihood.immersion(self.decoder(z))
