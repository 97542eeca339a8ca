"""The power spherical distribution."""

import math
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Beta
from typing_extensions import override

from geolatent.distributions.implicit_radius import implicit_radius
from geolatent.distributions.isotropic import Isotropic
from geolatent.manifolds import Sphere
from geolatent.numerics.half_angle import log_cos_squared_half


@final
class PowerSpherical(Isotropic):
    r"""A power of the cosine of half the angle to the location, on a sphere.

    .. math:: q(y) = \frac{1}{C} \cos^{2\kappa} \frac{\theta}{2}, \qquad
        C = R^d\, 2^d \pi^{d/2} \frac{\Gamma(\kappa + d/2)}{\Gamma(\kappa + d)}

    **with respect to the Riemannian volume** of the sphere of radius R, with :math:`\theta` the
    angle between y and the location, so that :math:`\cos^2(\theta/2) = (1 + \mu \cdot y/R^2)/2`.
    Near the location it is a normal of variance :math:`2 R^2 / \kappa`; for
    :math:`\kappa \to 0` it is uniform. Sampling, entropy and normaliser are in closed form; the
    gradient of an angle in :math:`\kappa` comes from the distribution function.

    Args:
        manifold: the sphere.
        loc: location, points on it, (\*b n).
        concentration: :math:`\kappa > 0`, (\*b).
        validate_args: whether to check arguments; torch's default if None.

    References:
        De Cao and Aziz (2020), The power spherical distribution, arXiv 2006.04437.
    """

    manifold: Sphere
    spread_name = "concentration"

    @override
    def sample_radius(self, shape: torch.Size) -> Float[Tensor, "*s"]:
        half, kappa = self.manifold.dim / 2, self._kappa()
        # sin² of half the angle. In float64: from Beta(d/2, ·), whose draws crowd at zero. Its own
        # gradient, a series, is off by a twentieth at κ = 1e8.
        fixed = kappa.detach()
        share = Beta(torch.full_like(fixed, half), fixed + half, validate_args=False)
        squared_sine = share.sample(shape[: len(shape) - kappa.dim()])
        sine = squared_sine.clamp(torch.finfo(squared_sine.dtype).tiny, 1.0 - 1e-16).sqrt()
        low, mode, high = self._bulk()
        angle = implicit_radius(
            2 * sine.asin(),
            self._log_density,
            low=low,
            mode=mode,
            high=high,
            log_normaliser=self._log_integral(),
        )
        return angle / self.manifold.curvature.double().sqrt()

    @override
    def log_prob(self, value: Float[Tensor, "*#s n"]) -> Float[Tensor, "*#s"]:
        """Log density with respect to the Riemannian volume.

        Args:
            value: points, (*s n), broadcast against the batch shape.

        Returns:
            (*s).
        """
        if self._validate_args:
            self._validate_sample(value)
        kernel = self.spread * log_cos_squared_half(self.loc, value, self.manifold.curvature)
        return kernel - self._log_normaliser().to(kernel)

    @override
    def entropy(self) -> Float[Tensor, "*b"]:
        """Differential entropy with respect to the Riemannian volume, in nats."""
        return self.precise_entropy().to(self.spread)

    def precise_entropy(self) -> Float[Tensor, "*b"]:
        """The entropy in float64, of which differences can be taken."""
        half, kappa = self.manifold.dim / 2, self._kappa()
        # 1 - sin² is Beta(κ + d/2, d/2), and this the mean of its logarithm.
        kernel = kappa * _digamma_difference(kappa, half)
        return self._log_normaliser() - kernel

    def mean_squared_sine_half(self) -> Float[Tensor, "*b"]:
        r"""Mean of :math:`\sin^2(\theta/2)`, :math:`(d/2) / (\kappa + d)`, in float64."""
        return self.manifold.dim / 2 / (self._kappa() + self.manifold.dim)

    def _kappa(self) -> Tensor:
        # float64: at κ = 1e4 log Γ in float32 is off by 0.01.
        return self.spread.double()

    def _log_density(self, angle: Tensor) -> Tensor:
        """Of the angle, up to a constant."""
        kernel = 2 * self._kappa() * (angle / 2).cos().log()
        return kernel + (self.manifold.dim - 1) * angle.sin().log()

    def _log_integral(self) -> Tensor:
        """Of the density of the angle: C / R^d over the area of the sphere of directions."""
        dim, kappa = self.manifold.dim, self._kappa()
        constant = (dim - 1) * math.log(2) + math.lgamma(dim / 2)
        return constant + _log_gamma_ratio(kappa, dim / 2)

    def _log_normaliser(self) -> Tensor:
        dim, kappa = self.manifold.dim, self._kappa()
        constant = dim * math.log(2) + dim / 2 * math.log(math.pi)
        ratio = _log_gamma_ratio(kappa, dim / 2)
        return constant + ratio - dim / 2 * self.manifold.curvature.double().log()

    @torch.no_grad()
    def _bulk(self) -> tuple[Tensor, Tensor, Tensor]:
        """Where the density of the angle begins, is greatest, and has ended."""
        # cos^a sin^b of half the angle.
        b = self.manifold.dim - 1
        a = 2 * self._kappa() + b
        mode = 2 * torch.atan((b / a).sqrt())
        # The second derivative of its logarithm in half the angle, -a / cos² - b / sin², is at most
        # -(a + b): it falls at least as fast as a normal density, to 1e-17 within this.
        width = 2 * (78 / (a + b)).sqrt()
        return (mode - width).clamp(min=0), mode, (mode + width).clamp(max=math.pi)


# From here on the differences of logarithms of Γ lose more than the series leaves out.
_LARGE = 1e5


def _log_gamma_ratio(kappa: Tensor, half: float) -> Tensor:
    """log Γ(κ + h) - log Γ(κ + 2h)."""
    is_large = kappa > _LARGE
    moderate = torch.where(is_large, torch.ones_like(kappa), kappa)
    difference = torch.lgamma(moderate + half) - torch.lgamma(moderate + 2 * half)
    # Tricomi and Erdélyi (1951), in the middle w of the two arguments; the next term is h⁵ / w⁴.
    middle = torch.where(is_large, kappa, torch.full_like(kappa, _LARGE)) + (3 * half - 1) / 2
    series = -half * (middle.log() + (1 - half**2) / (24 * middle.square()))
    return torch.where(is_large, series, difference)


def _digamma_difference(kappa: Tensor, half: float) -> Tensor:
    """ψ(κ + h) - ψ(κ + 2h), the derivative of the ratio's logarithm."""
    is_large = kappa > _LARGE
    moderate = torch.where(is_large, torch.ones_like(kappa), kappa)
    difference = torch.digamma(moderate + half) - torch.digamma(moderate + 2 * half)
    middle = torch.where(is_large, kappa, torch.full_like(kappa, _LARGE)) + (3 * half - 1) / 2
    series = -half * (1 / middle - (1 - half**2) / (12 * middle**3))
    return torch.where(is_large, series, difference)
