"""Hyperbolic latent spaces with Riemannian normals."""

import math
from typing import Literal, final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution
from typing_extensions import override

from geolatent.distributions import RiemannianNormal
from geolatent.latents.latent_space import LatentSpace
from geolatent.latents.posterior_scale import posterior_scale
from geolatent.latents.storable_scale import storable_scale
from geolatent.manifolds import Lorentz, PoincareBall
from geolatent.metrics import ManifoldMetric, Metric


@final
class RiemannianNormalSpace(LatentSpace):
    r"""Assumes hyperbolic space, with the normals of greatest entropy as prior and posterior.

    .. math:: q(x) \propto \exp\bigl(-d(\exp_o μ, x)^2 / 2σ^2\bigr)

    Unlike wrapped normals these have one scale for all directions, and do not thin out with the
    volume: the prior of scale s has most of its mass around radius (d - 1) √-K s² once that exceeds
    s √(d - 1). Posterior scales are bounded where mass would be beyond what coordinates hold
    (`storable_scale`). Densities are with respect to the Riemannian volume. A code is z = log_o(x).

    Args:
        manifold: `Lorentz(d)` or `PoincareBall(d)`: the same model in other coordinates.
        prior_scale: s, in units of geodesic distance.
        features: what the decoder receives: the manifold's `"ambient"` coordinates, or the
            `"tangent"` coordinates at the origin, which are the code itself.

    Raises:
        TypeError: the manifold is not hyperbolic.
        ValueError: `prior_scale` is not positive and finite, or `features` is unknown.

    References:
        Mathieu, E. et al. (2019). Continuous hierarchical representations with Poincaré variational
        auto-encoders. arXiv 1901.06033.
    """

    prior_scale: Tensor

    def __init__(
        self,
        manifold: Lorentz | PoincareBall,
        *,
        prior_scale: float = 1.0,
        features: Literal["ambient", "tangent"] = "ambient",
    ) -> None:
        super().__init__()
        if not isinstance(manifold, Lorentz | PoincareBall):
            raise TypeError(f"manifold has to be Lorentz or PoincareBall, got {manifold}.")
        if not (math.isfinite(prior_scale) and prior_scale > 0):
            raise ValueError(f"prior_scale must be a positive number, got {prior_scale!r}.")
        if features not in ("ambient", "tangent"):
            raise ValueError(f"features must be 'ambient' or 'tangent', got {features!r}.")
        self.manifold = manifold
        self.dim = manifold.dim
        self.parameter_size = manifold.dim + 1
        self.feature_kind = features
        self.feature_size = manifold.ambient_dim if features == "ambient" else manifold.dim
        self.register_buffer("prior_scale", torch.tensor(float(prior_scale)))
        self._metric = ManifoldMetric(manifold)

    @property
    @override
    def metric(self) -> Metric:
        return self._metric

    @override
    def prior(self) -> Distribution:
        origin = self.manifold.origin(like=self.prior_scale)
        return RiemannianNormal(self.manifold, origin, self.prior_scale, validate_args=False)

    @override
    def posterior(self, parameters: Float[Tensor, "*b k"]) -> Distribution:
        mean, scale = parameters[..., :-1], posterior_scale(parameters[..., -1])
        # From its mode on the radius falls off like a normal one, or faster.
        scale = storable_scale(scale, mean, self.manifold, stretch=4, growth=self.dim - 1)
        return RiemannianNormal(self.manifold, self.point(mean), scale, validate_args=False)

    @override
    def location(self, parameters: Float[Tensor, "*b k"]) -> Float[Tensor, "*b d"]:
        return parameters[..., :-1]

    @override
    def features(self, x: Float[Tensor, "*b n"]) -> Float[Tensor, "*b f"]:
        return x if self.feature_kind == "ambient" else self.code(x)

    @override
    def point(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b n"]:
        return self._metric.point(z)

    @override
    def code(self, x: Float[Tensor, "*b n"]) -> Float[Tensor, "*b d"]:
        return self._metric.code(x)
