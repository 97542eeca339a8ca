"""The normal distribution wrapped around a torus."""

import math
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.distributions.kl import register_kl
from typing_extensions import override

from geolatent.distributions.checked_entries import check_entries
from geolatent.distributions.uniform import Uniform
from geolatent.manifolds import FlatTorus

# Below this scale five turns either way hold all but 1e-25 of the mass (5π are ten standard
# deviations), above it five harmonics all but 3e-18 (e^(-σ² 36 / 2)).
_BROAD = 1.5
_TURNS = 2
_HARMONICS = 5
# Below this scale the entropy is that of the normal on a line up to e^(-π²/2σ²) = 4e-14; above it
# the trapezoidal rule with so many intervals on half the circle is right to 1e-11.
_ON_A_LINE = 0.4
_INTERVALS = 32


@final
class TorusNormal(Distribution):
    r"""A normal distribution of angles, modulo whole turns.

    .. math:: q(y) = \prod_{i=1}^d \sum_{m \in \mathbb Z}
        \mathcal N(y_i - \mu_i + 2\pi m;\ 0, \sigma_i^2)
        = \prod_{i=1}^d \frac1{2\pi} \Bigl(1 + 2 \sum_{h \ge 1} e^{-h^2 \sigma_i^2 / 2}
            \cos h (y_i - \mu_i)\Bigr)

    **with respect to the Riemannian volume**, Lebesgue measure of the angles. The first sum is used
    for narrow, the second for broad distributions: both are right to rounding at every scale.

    Args:
        manifold: the torus.
        loc: location :math:`\mu`, angles, (\*b d).
        scale: standard deviations :math:`\sigma > 0` before wrapping, (\*b d).
        validate_args: whether to check arguments; torch's default if None.

    Raises:
        ValueError: shapes do not fit the torus, or a location or scale is not finite, or a scale
            not positive.

    References:
        Mardia and Jupp (2000), Directional Statistics, section 3.5.7.
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "scale": constraints.independent(constraints.positive, 1),
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        manifold: FlatTorus,
        loc: Float[Tensor, "*#b d"],
        scale: Float[Tensor, "*#b d"],
        *,
        validate_args: bool | None = None,
    ) -> None:
        if loc.shape[-1:] != (manifold.dim,) or scale.shape[-1:] != (manifold.dim,):
            raise ValueError(
                f"loc has shape {tuple(loc.shape)} and scale {tuple(scale.shape)}, but the last "
                f"dimension of both are the {manifold.dim} angles of {manifold}."
            )
        should_check = Distribution._validate_args if validate_args is None else validate_args
        if should_check:
            is_positive = torch.isfinite(scale) & (scale > 0)
            check_entries("scale", scale, is_positive, "positive and finite")
            check_entries("loc", loc, torch.isfinite(loc), "finite")
        batch_shape = torch.broadcast_shapes(loc.shape[:-1], scale.shape[:-1])
        self.manifold = manifold
        self.loc = loc.expand(*batch_shape, -1)
        self.scale = scale.expand(*batch_shape, -1)
        super().__init__(batch_shape, loc.shape[-1:], validate_args=False)
        self._validate_args = should_check

    @property
    @override
    def mean(self) -> Tensor:
        """Circular mean of each angle, the location."""
        return self.loc

    @property
    @override
    def mode(self) -> Tensor:
        """Location."""
        return self.loc

    @override
    def expand(self, batch_shape: Any, _instance: Any = None) -> "TorusNormal":
        loc, scale = self.loc.expand(*batch_shape, -1), self.scale.expand(*batch_shape, -1)
        return TorusNormal(self.manifold, loc, scale, validate_args=False)

    @override
    def rsample(self, sample_shape: Any = ()) -> Float[Tensor, "*s d"]:
        """Draw points, reparametrised, from torch's global generator.

        Args:
            sample_shape: how many, in front of the batch shape.

        Returns:
            Angles in [-π, π], (*sample_shape, *b, d).
        """
        shape = torch.Size(sample_shape) + self.scale.shape
        noise = torch.randn(shape, dtype=self.scale.dtype, device=self.scale.device)
        return self.manifold.from_normal_coordinates(self.loc, self.scale * noise)

    @override
    def log_prob(self, value: Float[Tensor, "*#s d"]) -> Float[Tensor, "*#s"]:
        """Log density with respect to the Riemannian volume.

        Args:
            value: angles, (*s d), broadcast against the batch shape.

        Returns:
            (*s).
        """
        if self._validate_args:
            self._validate_sample(value)
        angle = self.manifold.normal_coordinates(self.loc, value)
        return _log_density(angle, self.scale).sum(dim=-1)

    @override
    def entropy(self) -> Float[Tensor, "*b"]:
        r"""Entropy, by quadrature where the distribution meets itself.

        .. math:: H = -\sum_i \int_{-π}^{π} q_i \log q_i

        Returns:
            (*b).
        """
        scale = self.scale
        is_narrow = scale < _ON_A_LINE
        line = scale.log() + 0.5 * math.log(2 * math.pi * math.e)
        wide = torch.where(is_narrow, torch.full_like(scale, _ON_A_LINE), scale).unsqueeze(-1)
        angle = torch.linspace(0, math.pi, _INTERVALS + 1, dtype=scale.dtype, device=scale.device)
        log_density = _log_density(angle.expand(*scale.shape, -1), wide)
        circle = -2 * torch.trapezoid(log_density.exp() * log_density, angle, dim=-1)
        return torch.where(is_narrow, line, circle).sum(dim=-1)


@register_kl(TorusNormal, Uniform)
def _kl_to_uniform(p: TorusNormal, q: Uniform) -> Tensor:
    """Log volume minus entropy."""
    manifold: object = q.manifold
    if p.manifold is not manifold:
        raise ValueError(
            f"the two distributions live on different manifolds, {p.manifold} and {q.manifold}: "
            "give both the same object."
        )
    return -q.log_prob(p.loc) - p.entropy()


def _log_density(angle: Tensor, scale: Tensor) -> Tensor:
    """Of each angle, by the sum that is short for its scale."""
    angle, scale = torch.broadcast_tensors(angle, scale)
    is_broad = scale > _BROAD
    narrow = _by_turns(angle, torch.where(is_broad, torch.ones_like(scale), scale))
    if not is_broad.any():
        return narrow
    broad = _by_harmonics(angle, torch.where(is_broad, scale, torch.full_like(scale, _BROAD)))
    return torch.where(is_broad, broad, narrow)


def _by_turns(angle: Tensor, scale: Tensor) -> Tensor:
    turns = torch.arange(-_TURNS, _TURNS + 1).to(angle) * (2 * math.pi)
    squares = ((angle.unsqueeze(-1) + turns) / scale.unsqueeze(-1)).square()
    return torch.logsumexp(-squares / 2, dim=-1) - scale.log() - 0.5 * math.log(2 * math.pi)


def _by_harmonics(angle: Tensor, scale: Tensor) -> Tensor:
    order = torch.arange(1, _HARMONICS + 1).to(angle)
    decay = (-(order * scale.unsqueeze(-1)).square() / 2).exp()
    waves = (decay * (order * angle.unsqueeze(-1)).cos()).sum(dim=-1)
    return torch.log1p(2 * waves) - math.log(2 * math.pi)
