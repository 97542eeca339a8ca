"""Decoders that are wrong in one known way."""

import math
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from typing_extensions import override

_KINKS = 16
_STEEPEST = 0.02


@final
class NoisyPlane(nn.Module):
    r"""An isometry of the plane with ripples too low to matter.

    .. math:: z \mapsto Q z + ε \sin(Ω z + φ), \qquad ε \, \|Ω\|_F \le 0.02

    Every direction is stretched by 0.98 to 1.02, so that no straight line is longer than the
    geodesic by more than 4.1 %.

    Args:
        features: of the data.
        seed: of Q, Ω and φ; ripples have wavelengths of about 2.
    """

    def __init__(self, features: int, *, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.basis: Tensor
        self.waves: Tensor
        self.phase: Tensor
        self.register_buffer(
            "basis", torch.linalg.qr(torch.randn(features, 2, generator=generator)).Q.T
        )
        direction = torch.randn(2, features, generator=generator)
        self.register_buffer("waves", math.pi * direction / direction.norm(dim=0))
        self.register_buffer("phase", 2 * math.pi * torch.rand(features, generator=generator))
        self.height = _STEEPEST / float(self.waves.norm())

    @override
    def forward(self, z: Float[Tensor, "*b 2"]) -> Float[Tensor, "*b p"]:
        ripples = torch.sin(z @ self.waves.to(z) + self.phase.to(z))
        return z @ self.basis.to(z) + self.height * ripples


@final
class Kinked(nn.Module):
    """Smooth but for 16 parallel kinks, 1/32 apart, at first coordinates between 0 and 1/2."""

    @override
    def forward(self, z: Float[Tensor, "*b 2"]) -> Float[Tensor, "*b 3"]:
        kinks = (torch.arange(_KINKS, dtype=z.dtype, device=z.device) + 0.5) / (2 * _KINKS)
        folded = (z[..., :1] - kinks).abs().sum(-1, keepdim=True)
        return torch.cat([z, folded], -1)


@final
class Folded(nn.Module):
    """A plane whose second coordinate counts for less the nearer it is to c, for nothing beyond.

    Args:
        edge: c.
    """

    def __init__(self, edge: float) -> None:
        super().__init__()
        self.edge = edge

    @override
    def forward(self, z: Float[Tensor, "*b 2"]) -> Float[Tensor, "*b 2"]:
        left = torch.relu(self.edge - z[..., 1:])
        return torch.cat([z[..., :1], -left.square() / 2], -1)


@final
class Undefined(nn.Module):
    """A plane that is not a number where the first coordinate exceeds c.

    Args:
        edge: c.
    """

    def __init__(self, edge: float) -> None:
        super().__init__()
        self.edge = edge

    @override
    def forward(self, z: Float[Tensor, "*b 2"]) -> Float[Tensor, "*b 2"]:
        return torch.where(z[..., :1] > self.edge, torch.nan, z)


@final
class Hill(nn.Module):
    """A plane with a hill three high and half a unit wide, which geodesics pass on either side."""

    @override
    def forward(self, z: Float[Tensor, "*b 2"]) -> Float[Tensor, "*b 3"]:
        height = 3 * torch.exp(-8 * z.square().sum(-1, keepdim=True))
        return torch.cat([z, height], -1)
