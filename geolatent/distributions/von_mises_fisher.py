"""The von Mises-Fisher distribution."""

import math
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Beta
from torch.distributions.kl import register_kl
from typing_extensions import override

from geolatent.distributions.implicit_radius import implicit_radius
from geolatent.distributions.isotropic import Isotropic, check_shared_manifold
from geolatent.distributions.power_spherical import PowerSpherical
from geolatent.distributions.rejection import sample_by_rejection
from geolatent.manifolds import Sphere
from geolatent.numerics.half_angle import squared_sine_half
from geolatent.numerics.interval_quadrature import interval_nodes, log_integral


@final
class VonMisesFisher(Isotropic):
    r"""A normal distribution of the surrounding space, conditioned on a sphere.

    .. math:: q(y) = \frac{1}{C} e^{\kappa (\cos\theta - 1)}, \qquad
        C = R^d\, \omega_{d-1} \int_0^\pi e^{\kappa (\cos\theta - 1)} \sin^{d-1}\theta\,d\theta

    **with respect to the Riemannian volume** of the sphere of radius R, with :math:`\theta` the
    angle between y and the location and :math:`\omega_{d-1}` the area of the unit sphere of
    directions. The integral is a modified Bessel function,
    :math:`C = (2\pi)^{\nu+1} \kappa^{-\nu} e^{-\kappa} I_\nu(\kappa) R^d` with
    :math:`\nu = (d-1)/2`; it is computed in float64 by quadrature, which is right to 1e-12 from
    :math:`\kappa = 10^{-3}` to :math:`10^{12}`, with its derivatives. Near the location it is a
    normal of variance :math:`R^2/\kappa`. Angles are drawn by rejection (Ulrich; Wood) and get
    their gradient in :math:`\kappa` from the distribution function.

    Args:
        manifold: the sphere.
        loc: location, points on it, (\*b n).
        concentration: :math:`\kappa > 0`, (\*b).
        validate_args: whether to check arguments; torch's default if None.

    References:
        Davidson, Falorsi, De Cao, Kipf and Tomczak (2018), Hyperspherical variational
        auto-encoders, arXiv 1804.00891. Wood (1994), Simulation of the von Mises Fisher
        distribution.
    """

    manifold: Sphere
    spread_name = "concentration"

    @override
    def sample_radius(self, shape: torch.Size) -> Float[Tensor, "*s"]:
        angle = sample_by_rejection(self._propose, self.spread.detach().double().expand(shape))
        low, mode, high = self._bulk()
        angle = implicit_radius(
            angle,
            self._log_density,
            low=low,
            mode=mode,
            high=high,
            log_normaliser=log_integral(self._log_density, low, high),
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
        half = squared_sine_half(self.loc, value, self.manifold.curvature)
        return -2 * self.spread * half - self._log_normaliser().to(half)

    @override
    def entropy(self) -> Float[Tensor, "*b"]:
        """Differential entropy with respect to the Riemannian volume, in nats."""
        return self.precise_entropy().to(self.spread)

    def precise_entropy(self) -> Float[Tensor, "*b"]:
        """The entropy in float64, of which differences can be taken."""
        return self._log_normaliser() + 2 * self.spread.double() * self.mean_squared_sine_half()

    def mean_squared_sine_half(self) -> Float[Tensor, "*b"]:
        r"""Mean of :math:`\sin^2(\theta/2)`, by quadrature in float64."""
        low, _, high = self._bulk()
        nodes, weights = interval_nodes(low, high)
        share = (self._log_density(nodes) + weights.log()).softmax(dim=0)
        return (share * (nodes / 2).sin().square()).sum(dim=0)

    def log_density_at_mode(self) -> Float[Tensor, "*b"]:
        """Of the points at the location, in float64."""
        return -self._log_normaliser()

    def _log_density(self, angle: Tensor) -> Tensor:
        """Of the angle, up to a constant."""
        kernel = -2 * self.spread.double() * (angle / 2).sin().square()
        return kernel + (self.manifold.dim - 1) * angle.sin().log()

    def _log_normaliser(self) -> Tensor:
        dim = self.manifold.dim
        low, _, high = self._bulk()
        area = math.log(2) + dim / 2 * math.log(math.pi) - math.lgamma(dim / 2)
        integral = log_integral(self._log_density, low, high)
        return area + integral - dim / 2 * self.manifold.curvature.double().log()

    @torch.no_grad()
    def _bulk(self) -> tuple[Tensor, Tensor, Tensor]:
        """Where the density of the angle begins, is greatest, and has ended."""
        kappa, across = self.spread.double(), self.manifold.dim - 1
        root = (across**2 + 4 * kappa.square()).sqrt()
        cosine = 2 * kappa / (across + root)
        versine = across * (1 + across / (root + 2 * kappa)) / (across + root)
        mode = 2 * (versine / 2).sqrt().asin()
        # A chord at least as wide as the density is on either side: 9 of these leave out 1e-17.
        width = 2 * (4.5 / (kappa * cosine + across).sqrt()).clamp(max=1).asin()
        return (mode - width).clamp(min=0), mode, (mode + width).clamp(max=math.pi)

    def _propose(self, kappa: Tensor) -> tuple[Tensor, Tensor]:
        """Angles and the logarithms of their chances to be accepted."""
        dim = self.manifold.dim
        b = dim / (2 * kappa + (4 * kappa.square() + dim**2).sqrt())
        half = torch.full_like(kappa, dim / 2)
        share = Beta(half, half, validate_args=False).sample()
        # All in 1 - cos θ, which does not round to zero.
        versine = 2 * b * share / (1 - (1 - b) * share)
        at_mode = 2 * b / (1 + b)
        ratio = (at_mode + (1 - b) / (1 + b) * versine) / (2 * at_mode / (1 + b))
        log_chance = kappa * (at_mode - versine) + dim * ratio.log()
        return 2 * (versine / 2).clamp(0, 1).sqrt().asin(), log_chance


@register_kl(PowerSpherical, VonMisesFisher)
@register_kl(VonMisesFisher, VonMisesFisher)
def _kl_to_von_mises_fisher(p: PowerSpherical | VonMisesFisher, q: VonMisesFisher) -> Tensor:
    r"""In closed form, as log q is linear in points.

    With s and t the mean of :math:`\sin^2(\theta/2)` about the location of p and its value between
    the two locations, its mean about the location of q is s + t - 2st.
    """
    check_shared_manifold(p, q)
    between = squared_sine_half(p.loc, q.loc, p.manifold.curvature).double()
    spread = p.mean_squared_sine_half()
    kernel = 2 * q.spread.double() * (spread + between - 2 * spread * between)
    return (kernel - q.log_density_at_mode() - p.precise_entropy()).to(p.spread)
