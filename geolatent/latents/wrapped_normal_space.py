"""Latent spaces of constant curvature with wrapped normals."""

import math
from typing import Literal, final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution
from typing_extensions import override

from geolatent.distributions import WrappedNormal
from geolatent.latents.latent_space import LatentSpace
from geolatent.latents.posterior_scale import posterior_scale
from geolatent.latents.storable_scale import storable_scale
from geolatent.manifolds import Lorentz, Manifold, PoincareBall
from geolatent.metrics import ManifoldMetric, Metric


@final
class WrappedNormalSpace(LatentSpace):
    r"""Assumes a manifold, with wrapped normals as prior and posterior.

    .. math:: x = \exp_{m}(PT_{o→m}(v)), \quad v \sim N(0, \mathrm{diag}\,σ^2), \quad
        m = \exp_o(μ)

    The prior is the wrapped normal of scale s at the origin. Densities are with respect to the
    Riemannian volume. A code is z = log_o(x): with an encoder that emits μ as its location, z is
    the number people add and average. Posterior scales are bounded where mass would be beyond what
    hyperbolic coordinates hold (`storable_scale`).

    Args:
        manifold: `Lorentz(d)`, `PoincareBall(d)` or any other on which two points have one
            geodesic. With `learn_curvature=True` its curvature is learned.
        prior_scale: s, in units of geodesic distance.
        features: what the decoder receives: the manifold's `"ambient"` coordinates, or the
            `"tangent"` coordinates at the origin, which are the code itself.

    Raises:
        ValueError: the manifold closes up on itself, `prior_scale` is not positive and finite, or
            `features` is unknown.

    References:
        Nagano, Y. et al. (2019). A wrapped normal distribution on hyperbolic space for
        gradient-based learning. arXiv 1902.02992.
        Cho, S. et al. (2022). A rotated hyperbolic wrapped normal distribution for hierarchical
        representation learning. arXiv 2205.13371.
    """

    prior_scale: Tensor

    def __init__(
        self,
        manifold: Manifold,
        *,
        prior_scale: float = 1.0,
        features: Literal["ambient", "tangent"] = "ambient",
        rotated: bool = False,
    ) -> None:
        super().__init__()
        if not (math.isfinite(prior_scale) and prior_scale > 0):
            raise ValueError(f"prior_scale must be a positive number, got {prior_scale!r}.")
        if math.isfinite(manifold.injectivity_radius):
            raise ValueError(
                f"{manifold} closes up on itself, so that a wrapped normal covers points more than "
                "once: use SphereSpace, TorusSpace or ProductSpace."
            )
        if features not in ("ambient", "tangent"):
            raise ValueError(f"features must be 'ambient' or 'tangent', got {features!r}.")
        self.manifold = manifold
        self.dim = manifold.dim
        self.parameter_size = 2 * manifold.dim
        self.feature_kind = features
        self.rotated = rotated
        self.feature_size = manifold.ambient_dim if features == "ambient" else manifold.dim
        self.register_buffer("prior_scale", torch.full((self.dim,), float(prior_scale)))
        self._metric = ManifoldMetric(manifold)

    @property
    @override
    def metric(self) -> Metric:
        return self._metric

    @override
    def prior(self) -> Distribution:
        return WrappedNormal(self.manifold, None, self.prior_scale, validate_args=False)

    @override
    def posterior(self, parameters: Float[Tensor, "*b k"]) -> Distribution:
        mean, raw = parameters.chunk(2, dim=-1)
        location, scale = self._metric.point(mean), posterior_scale(raw)
        if isinstance(self.manifold, Lorentz | PoincareBall):
            # Wherever they point, vectors are no longer than this many of their largest scale.
            stretch = math.sqrt(self.dim) + 4
            scale = storable_scale(scale, mean[..., None, :], self.manifold, stretch=stretch)
        axis = mean if self.rotated else None
        return WrappedNormal(self.manifold, location, scale, axis=axis, validate_args=False)

    @override
    def location(self, parameters: Float[Tensor, "*b k"]) -> Float[Tensor, "*b d"]:
        return parameters[..., : self.dim]

    @override
    def features(self, x: Float[Tensor, "*b n"]) -> Float[Tensor, "*b f"]:
        return x if self.feature_kind == "ambient" else self.code(x)

    @override
    def point(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b n"]:
        return self._metric.point(z)

    @override
    def code(self, x: Float[Tensor, "*b n"]) -> Float[Tensor, "*b d"]:
        return self._metric.code(x)
