"""The flat latent space."""

import math
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal
from typing_extensions import override

from geolatent.latents.latent_space import LatentSpace
from geolatent.latents.posterior_scale import posterior_scale
from geolatent.metrics import EuclideanMetric, Metric


@final
class EuclideanSpace(LatentSpace):
    """Assumes that codes can be added and averaged, and that all directions are alike.

    Prior N(0, s² I), posterior N(μ, diag σ²), both with respect to Lebesgue measure on Rᵈ.

    Args:
        dim: d.
        prior_scale: s.

    Raises:
        ValueError: `dim` is below one or `prior_scale` is not positive and finite.

    References:
        Kingma, D. P., Welling, M. (2014). Auto-encoding variational Bayes. arXiv 1312.6114.
    """

    prior_location: Tensor
    prior_scale: Tensor

    def __init__(self, dim: int, *, prior_scale: float = 1.0) -> None:
        super().__init__()
        if dim < 1:
            raise ValueError(f"dim must be at least 1, got {dim}.")
        if not (math.isfinite(prior_scale) and prior_scale > 0):
            raise ValueError(f"prior_scale must be a positive number, got {prior_scale!r}.")
        self.dim = self.feature_size = dim
        self.parameter_size = 2 * dim
        self.register_buffer("prior_location", torch.zeros(dim))
        self.register_buffer("prior_scale", torch.full((dim,), float(prior_scale)))

    @property
    @override
    def metric(self) -> Metric:
        return EuclideanMetric()

    @override
    def prior(self) -> Distribution:
        normal = Normal(self.prior_location, self.prior_scale, validate_args=False)
        return Independent(normal, 1, validate_args=False)

    @override
    def posterior(self, parameters: Float[Tensor, "*b k"]) -> Distribution:
        location, raw = parameters.chunk(2, dim=-1)
        normal = Normal(location, posterior_scale(raw), validate_args=False)
        return Independent(normal, 1, validate_args=False)

    @override
    def location(self, parameters: Float[Tensor, "*b k"]) -> Float[Tensor, "*b d"]:
        return parameters[..., : self.dim]

    @override
    def features(self, x: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"]:
        return x

    @override
    def point(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"]:
        return z

    @override
    def code(self, x: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"]:
        return x
