"""The Riemannian normal distribution of hyperbolic space."""

import math
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from geolatent.distributions.implicit_radius import implicit_radius
from geolatent.distributions.isotropic import Isotropic
from geolatent.distributions.rejection import sample_by_rejection
from geolatent.manifolds import ConstantCurvature, Euclidean, Lorentz, PoincareBall
from geolatent.numerics.hyperbolic_functions import log_sinhc_of_square, tanhc_of_square
from geolatent.numerics.interval_quadrature import log_integral


@final
class RiemannianNormal(Isotropic):
    r"""The distribution of greatest entropy of a given mean and variance in hyperbolic space.

    .. math:: q(y) = \frac1Z \exp\Bigl(-\frac{d(\mu, y)^2}{2\sigma^2}\Bigr), \qquad
        Z = \omega_{d-1} \int_0^\infty e^{-r^2 / 2\sigma^2}
            \Bigl(\frac{\sinh kr}{k}\Bigr)^{d-1} dr, \qquad k = \sqrt{-K}

    **with respect to the Riemannian volume**, with :math:`\omega_{d-1}` the area of the unit sphere
    of directions. Z is computed in float64 by quadrature: its closed form, a sum of error functions
    with alternating signs, cancels for small :math:`k\sigma` and many dimensions.

    Radii are drawn exactly: :math:`\log \sinh` is concave, so that its tangent bounds the density
    by a normal one, which accepts :math:`1/\sqrt 2` of the proposals or more (one half for d = 1).
    Their gradients in scale and curvature come from the distribution function. Volume grows with
    the radius: draws are around :math:`r = (d - 1) k \sigma^2` once that exceeds
    :math:`\sigma\sqrt{d-1}`, so keep an eye on the valid radius of the coordinates.

    The integral of Z and the draws end at a radius :math:`R - d(o, \mu)`, with R just inside
    `largest_radius`, so that every draw can be stored (:math:`1/k` for a location nearer to the
    limit than that). A draw that was moved back by the coordinates would have a greater density
    than it was drawn with, and divergences estimated from such draws have no lower bound.

    Args:
        manifold: Lorentz or PoincareBall, with the same densities and radii; or Euclidean.
        loc: location :math:`\mu`, points, (\*b n).
        scale: :math:`\sigma > 0`, in units of distance, (\*b).
        validate_args: whether to check arguments; torch's default if None.

    Raises:
        TypeError: the manifold is none of these.

    References:
        Said, Bombrun and Berthoumieu (2014), New Riemannian priors on the univariate normal model.
        Mathieu, Le Lan, Maddison, Tomioka and Teh (2019), arXiv 1901.06033.
    """

    spread_name = "scale"

    def __init__(
        self,
        manifold: ConstantCurvature,
        loc: Float[Tensor, "*#b n"],
        scale: Float[Tensor, "*#b"],
        *,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(manifold, Lorentz | PoincareBall | Euclidean):
            raise TypeError(f"manifold has to be Lorentz or PoincareBall, got {manifold}.")
        super().__init__(manifold, loc, scale, validate_args=validate_args)

    @override
    def sample_radius(self, shape: torch.Size) -> Float[Tensor, "*s"]:
        reach = self._reach()
        given = self.spread.detach().double().expand(shape), reach.detach().expand(shape)
        radius = sample_by_rejection(self._propose, *given)
        low, mode, high = self._bulk(reach)
        return implicit_radius(
            radius,
            self._log_density,
            low=low,
            # Where the density ends early the end moves with the parameters: integrate from below.
            mode=torch.where(high < reach, mode, high),
            high=high,
            log_normaliser=self._log_normaliser(reach),
        )

    @override
    def log_prob(self, value: Float[Tensor, "*#s n"]) -> Float[Tensor, "*#s"]:
        """Log density with respect to the Riemannian volume, by the same formula at any distance.

        Args:
            value: points, (*s n), broadcast against the batch shape.

        Returns:
            (*s).
        """
        if self._validate_args:
            self._validate_sample(value)
        # Of its own draws the radius is known, also where their coordinates have lost it: far from
        # the origin a rounding moves a point by more than the distance from the location.
        distance = self.radius_of_own_sample(value)
        if distance is None:
            distance = self.manifold.distance(self.loc, value)
        dim = self.manifold.dim
        area = math.log(2) + dim / 2 * math.log(math.pi) - math.lgamma(dim / 2)
        log_normaliser = area + self._log_normaliser(self._reach())
        log_density = -(distance / self.spread).square() / 2 - log_normaliser.to(distance)
        return log_density.to(self.spread)

    def _log_density(self, radius: Tensor) -> Tensor:
        """Of the radius, up to a constant."""
        growth = radius.log() + log_sinhc_of_square(self._k().square() * radius.square())
        return -(radius / self.spread.double()).square() / 2 + (self.manifold.dim - 1) * growth

    def _k(self) -> Tensor:
        return self.manifold.curvature.double().abs().sqrt()

    def _reach(self) -> Tensor:
        """How far from the location every point can be stored."""
        manifold = self.manifold
        largest = manifold.largest_radius(self.loc.dtype)
        if isinstance(manifold, Euclidean):
            return torch.full_like(self.spread, largest, dtype=torch.float64)
        k = self._k()
        # Half as near to the end of the coordinates, where rounding alone moves no point over it.
        limit = (float(k.detach()) * largest - math.log(2)) / k
        radius = manifold.distance(manifold.origin(like=self.loc), self.loc)
        return torch.maximum(limit - radius.double(), 1 / k)

    def _log_normaliser(self, reach: Tensor) -> Tensor:
        """Of the density of the radius, with the gradient of where it ends."""
        low, _, high = self._bulk(reach)
        total = log_integral(self._log_density, low, high)
        at_end = (self._log_density(high.unsqueeze(0)).squeeze(0) - total).detach().exp()
        return total + torch.where(high < reach, 0, at_end) * (reach - reach.detach())

    @torch.no_grad()
    def _bulk(self, reach: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Where the density of the radius begins, is greatest, and has ended."""
        scale, across = self.spread.double(), self.manifold.dim - 1
        free = self._mode(scale)
        mode = torch.minimum(free, reach)
        # log density + r²/2σ² is concave: the density falls off at least as fast as a normal one,
        # and where it ends before its maximum at least as fast as its slope there says.
        tiny = torch.finfo(scale.dtype).tiny
        rise = across / (mode * _tanhc(self._k() * mode)).clamp_min(tiny)
        fall = torch.minimum(9 * scale, 40 / (rise - mode / scale.square()).clamp_min(tiny))
        return (mode - fall).clamp(min=0), mode, torch.minimum(free + 9 * scale, reach)

    def _mode(self, scale: Tensor) -> Tensor:
        """The maximum, r² = σ² (d - 1) kr coth kr, up to a quarter of σ."""
        # With x coth x between 1 and 1 + x taken as √(1 + x²), this is quadratic in r².
        spread = (self.manifold.dim - 1) * scale.square()
        linear = (spread * self._k()).square()
        return ((linear + (linear.square() + 4 * spread.square()).sqrt()) / 2).sqrt()

    def _propose(self, scale: Tensor, reach: Tensor) -> tuple[Tensor, Tensor]:
        """Radii and the logarithms of their chances to be accepted."""
        across, k = self.manifold.dim - 1, self._k()
        if across == 0:
            is_wide = scale > reach
            radius = torch.where(
                is_wide, reach * torch.rand_like(scale), scale * torch.randn_like(scale).abs()
            )
            log_chance = torch.where(is_wide, -(radius / scale).square() / 2, 0)
            return radius, torch.where(radius > reach, -torch.inf, log_chance)
        centre = torch.minimum(self._mode(scale), reach)
        # d/dr log(sinh(kr)/k), k coth(kr), is 1/r for k = 0.
        slope = 1 / (centre * _tanhc(k * centre))
        normal = scale.square() * across * slope
        # Of a normal that ends more than σ before its centre, what remains is exponential but for
        # the chance exp(-t²/2) with t from the end.
        before = (normal - reach) / scale
        tail = torch.empty_like(scale).exponential_() / before.clamp_min(1)
        radius = torch.where(
            before > 1, reach - scale * tail, normal + scale * torch.randn_like(scale)
        )
        # How far log sinh is below its tangent; before zero there is nothing.
        is_there = radius > 0
        usable = torch.where(is_there, radius, centre)
        rise = (usable / centre).log() + _log_sinhc(k * usable) - _log_sinhc(k * centre)
        log_chance = across * (rise - slope * (usable - centre))
        log_chance = log_chance - torch.where(before > 1, tail.square() / 2, 0)
        log_chance = torch.where((radius <= 0) | (radius > reach), -torch.inf, log_chance)
        return radius, torch.where(radius.isnan(), radius, log_chance)


def _tanhc(x: Tensor) -> Tensor:
    return tanhc_of_square(x.square())


def _log_sinhc(x: Tensor) -> Tensor:
    return log_sinhc_of_square(x.square())
