"""A model whose decoder has the geometry that it declares."""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from typing_extensions import override

from geolatent.latents import WrappedNormalSpace
from geolatent.likelihoods import Gaussian
from geolatent.manifolds import Lorentz
from geolatent.models import VAE
from geolatent.networks import HyperbolicPatch

_UP = 8.0  # where the origin is put in the half-plane: a radius of log 8 stays above y = 1


@final
class Pseudosphere(nn.Module):
    """From the hyperboloid of curvature −1 to the tractricoid, an isometry within log 8 = 2.1."""

    def __init__(self) -> None:
        super().__init__()
        self.surface = HyperbolicPatch()

    @override
    def forward(self, x: Float[Tensor, "*b 3"]) -> Float[Tensor, "*b 3"]:
        gap = x[..., 0] - x[..., 1]
        above, across = _UP / gap, _UP * x[..., 2] / gap
        values: Tensor = self.surface(torch.stack([torch.acosh(above), across], -1))
        return values


def hyperbolic_twin(decoder: nn.Module, features: int) -> VAE:
    """A variational autoencoder on the hyperbolic plane of curvature −1.

    Args:
        decoder: of points of the hyperboloid, `(*b, 3)`.
        features: of what it decodes to.

    Returns:
        The model in evaluation mode; its encoder is not trained.
    """
    space = WrappedNormalSpace(Lorentz(dim=2, curvature=-1.0))
    encoder = nn.Linear(features, space.parameter_size)
    return VAE(encoder, space, decoder, Gaussian(1.0)).requires_grad_(False).eval()
