"""A decoder of the size that people train on small images."""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from typing_extensions import override

_CHANNELS = 320


@final
class ConvolutionalDecoder(nn.Module):
    """16 → 3 × 32 × 32 by three transposed convolutions, 0.88 million parameters, flattened."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(16, 16 * _CHANNELS),
            nn.Unflatten(1, (_CHANNELS, 4, 4)),
            nn.SiLU(),
            nn.ConvTranspose2d(_CHANNELS, 128, 4, stride=2, padding=1),
            nn.SiLU(),
            nn.ConvTranspose2d(128, 64, 4, stride=2, padding=1),
            nn.SiLU(),
            nn.ConvTranspose2d(64, 3, 4, stride=2, padding=1),
            nn.Sigmoid(),
            nn.Flatten(),
        )

    @override
    def forward(self, z: Float[Tensor, "*b 16"]) -> Float[Tensor, "*b 3072"]:
        return self.layers(z.reshape(-1, z.shape[-1])).unflatten(0, z.shape[:-1])


def coloured_digits(digits: Float[Tensor, "n 784"]) -> Float[Tensor, "n 3072"]:
    """Each 28 × 28 digit in a random colour on a random dark ground, 3 × 32 × 32."""
    generator = torch.Generator().manual_seed(0)
    image = nn.functional.pad(digits.view(-1, 1, 28, 28), (2, 2, 2, 2))
    ink = torch.rand(len(digits), 3, 1, 1, generator=generator)
    ground = torch.rand(len(digits), 3, 1, 1, generator=generator) / 2
    return (image * ink + (1 - image) * ground).flatten(1)
