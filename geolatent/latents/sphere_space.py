"""The spherical latent space."""

import math
from typing import Literal, final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution
from typing_extensions import override

from geolatent.distributions import PowerSpherical, Uniform, VonMisesFisher
from geolatent.latents.latent_space import LatentSpace
from geolatent.latents.posterior_scale import posterior_scale
from geolatent.manifolds import Sphere
from geolatent.metrics import ManifoldMetric, Metric


@final
class SphereSpace(LatentSpace):
    r"""Assumes that codes have a direction and no size: a closed space without centre or edge.

    Prior: uniform on the sphere of radius :math:`R = 1/\sqrt K` or, with a `prior_scale` s, von
    Mises-Fisher around o of concentration :math:`R^2/s^2`. Posterior: power spherical or von
    Mises-Fisher around

    .. math:: m = R\, \frac{o + w}{|o + w|}, \qquad o = (R, 0, \dots, 0)

    with :math:`w \in \mathbb R^{d+1}` from the encoder and concentration :math:`2R^2/\sigma^2` or
    :math:`R^2/\sigma^2`, which for :math:`\sigma \ll R` gives the standard deviation
    :math:`\sigma` of the encoder in every direction. w, s and :math:`\sigma` are lengths, not
    angles. All densities are with respect to the Riemannian volume, and the divergence from the
    prior is in closed form.

    With a `prior_scale` a learned curvature means something: for :math:`K \to 0` prior and
    posterior become the normals :math:`N(0, s^2 I)` and :math:`N(w_{1:}, \sigma^2 I)` of a flat
    space, for :math:`K \to \infty` the prior becomes uniform. With the uniform prior only
    :math:`\sigma/R` and :math:`w/R` count: every K is as good as any other, and none is learned.

    A code is z = log_o(x), |z| ≤ πR, cut at the antipode of the origin: points that are close to
    each other there have codes far apart, so that codes cannot be averaged across it. The decoder
    receives the d + 1 coordinates of the point and knows of no cut.

    Args:
        manifold: the sphere.
        posterior: `"power_spherical"`, which has exact and fast samples in any dimension, or
            `"von_mises_fisher"`.
        prior_scale: s, in units of geodesic distance; uniform if None.

    Raises:
        TypeError: the manifold is not a sphere.
        ValueError: `posterior` is unknown, `prior_scale` is not positive and finite, or the
            curvature is to be learned under a uniform prior.

    References:
        De Cao, N., Aziz, W. (2020). The power spherical distribution. arXiv 2006.04437.
        Davidson, T. R. et al. (2018). Hyperspherical variational auto-encoders. arXiv 1804.00891.
        Skopek, O., Ganea, O.-E., Bécigneul, G. (2020). Mixed-curvature variational autoencoders.
        arXiv 1911.08411.
    """

    def __init__(
        self,
        manifold: Sphere,
        *,
        posterior: Literal["power_spherical", "von_mises_fisher"] = "power_spherical",
        prior_scale: float | None = None,
    ) -> None:
        super().__init__()
        if not isinstance(manifold, Sphere):
            number = f": Sphere({manifold})" if isinstance(manifold, int) else ""
            raise TypeError(f"manifold has to be a Sphere, got {manifold!r}{number}.")
        if posterior not in ("power_spherical", "von_mises_fisher"):
            raise ValueError(
                f"posterior must be 'power_spherical' or 'von_mises_fisher', got {posterior!r}."
            )
        if prior_scale is not None and not (math.isfinite(prior_scale) and prior_scale > 0):
            raise ValueError(f"prior_scale must be a positive number or None, got {prior_scale!r}.")
        if prior_scale is None and any(p.requires_grad for p in manifold.parameters()):
            raise ValueError(
                "under the uniform prior all curvatures of a sphere are as good as each other, so "
                "that there is none to learn: give a prior_scale (1.0 as in hyperbolic spaces), or "
                "a Sphere without learn_curvature=True."
            )
        self.manifold = manifold
        self.posterior_kind = posterior
        self.prior_scale = prior_scale
        self.dim = manifold.dim
        self.parameter_size = manifold.ambient_dim + 1
        self.feature_size = manifold.ambient_dim
        self._metric = ManifoldMetric(manifold)
        # What dtype and device the space is on: the curvature may be kept in another dtype.
        self.register_buffer("pole", torch.eye(manifold.ambient_dim)[0])

    pole: Tensor

    @property
    @override
    def metric(self) -> Metric:
        return self._metric

    @override
    def prior(self) -> Distribution:
        if self.prior_scale is None:
            return Uniform(self.manifold, like=self.pole)
        origin = self.manifold.origin(like=self.pole)
        concentration = self._concentration(self.pole.new_tensor(self.prior_scale))
        return VonMisesFisher(self.manifold, origin, concentration, validate_args=False)

    @override
    def posterior(self, parameters: Float[Tensor, "*b k"]) -> Distribution:
        location = self._location(parameters)
        concentration = self._concentration(posterior_scale(parameters[..., -1]))
        if self.posterior_kind == "power_spherical":
            return PowerSpherical(self.manifold, location, 2 * concentration, validate_args=False)
        return VonMisesFisher(self.manifold, location, concentration, validate_args=False)

    @override
    def location(self, parameters: Float[Tensor, "*b k"]) -> Float[Tensor, "*b d"]:
        return self.code(self._location(parameters))

    @override
    def features(self, x: Float[Tensor, "*b n"]) -> Float[Tensor, "*b f"]:
        return x

    @override
    def point(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b n"]:
        return self._metric.point(z)

    @override
    def code(self, x: Float[Tensor, "*b n"]) -> Float[Tensor, "*b d"]:
        return self._metric.code(x)

    def _location(self, parameters: Tensor) -> Tensor:
        return self.manifold.project(self.manifold.origin(like=parameters) + parameters[..., :-1])

    def _concentration(self, scale: Tensor) -> Tensor:
        """(R / σ)², of the von Mises-Fisher distribution that is as wide as a narrow normal."""
        return 1 / (self.manifold.curvature.to(scale) * scale.square())
