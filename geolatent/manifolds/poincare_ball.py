"""Hyperbolic space as a ball, the conformal model."""

import math
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from geolatent.manifolds.ball_translation import translate
from geolatent.manifolds.constant_curvature import ConstantCurvature
from geolatent.manifolds.curvature import (
    inverse_radius,
    resolved_radius,
    signed_curvature,
    volume_distortion,
)
from geolatent.manifolds.gyration import gyration
from geolatent.numerics.hyperbolic_functions import arsinh
from geolatent.numerics.radial_maps import radial_arsinh, radial_artanh, radial_tanh
from geolatent.numerics.safe_norm import safe_norm

if TYPE_CHECKING:
    import geoopt


class PoincareBall(ConstantCurvature):
    r"""Hyperbolic space of curvature K as the open ball of radius :math:`1/\sqrt{-K}`.

    .. math:: \langle u, v \rangle_x = \lambda_x^2\, u \cdot v, \qquad
        \lambda_x = \frac{2}{1 + K |x|^2}

    At the origin :math:`\lambda_o = 2`: isometric coordinates are twice the ambient ones.

    Numerical limits, at K = -1 (a distance counts in units of :math:`1/\sqrt{-K}`):

    * The last radius that is kept apart from the boundary is :math:`|x| = 1 - 2\varepsilon`, at
      distance 15.9 in float32 and 36.0 in float64 (`largest_radius`). Exponential maps project
      there and have no radial gradient beyond. Use :class:`Lorentz` for points farther out.
    * The distance of x to the boundary is rounded to a multiple of :math:`\varepsilon`, so that
      positions are known to :math:`\varepsilon \sinh r`: 0.1 % up to radius 9.7 in float32 and 29.8
      in float64 (`valid_radius`). Small separations lose nothing more. An exponential map carries
      the rounding of the direction of u to :math:`\varepsilon \sinh |u|`.

    Args:
        dim: dimension d, also the number of coordinates.
        curvature: K < 0.
        learn_curvature: whether K is learned, starting there.

    Raises:
        ValueError: dim is not a positive integer, or the curvature not a finite negative number.

    References:
        Ungar (2008), A gyrovector space approach to hyperbolic geometry. Ganea, Bécigneul and
        Hofmann (2018), arXiv 1805.09112. Mishne, Wan, Wang and Yang (2023), arXiv 2211.00181.
    """

    def __init__(
        self, dim: int, curvature: float | Tensor = -1.0, *, learn_curvature: bool = False
    ) -> None:
        super().__init__(
            dim=dim,
            ambient_dim=dim,
            curvature=signed_curvature(curvature, sign=-1),
            learn_curvature=learn_curvature,
        )

    @property
    @override
    def injectivity_radius(self) -> float:
        return math.inf

    @override
    def origin(self, *, like: Tensor | None = None) -> Float[Tensor, " n"]:
        like = torch.zeros(()) if like is None else like
        return torch.zeros(self.dim, dtype=like.dtype, device=like.device)

    @override
    def project(self, x: Float[Tensor, "*b n"]) -> Float[Tensor, "*b n"]:
        # Of any size: brought near before squares are taken.
        size = self._unit(x).detach().abs().amax(dim=-1, keepdim=True)
        near = torch.where(size > 2, 2 / size.clamp_min(2), 1) * x
        return self._clip(near, inverse_radius(self.curvature, like=x))

    @override
    def project_tangent(
        self, x: Float[Tensor, "*#b n"], u: Float[Tensor, "*#b n"]
    ) -> Float[Tensor, "*#b n"]:
        return torch.broadcast_tensors(x, u)[1]

    @override
    def inner(
        self, x: Float[Tensor, "*#b n"], u: Float[Tensor, "*#b n"], v: Float[Tensor, "*#b n"]
    ) -> Float[Tensor, "*#b"]:
        conformal = 2 / _gap(self._unit(x))
        return (conformal * u * (conformal * v)).sum(dim=-1)

    @override
    def exp(self, x: Float[Tensor, "*#b n"], u: Float[Tensor, "*#b n"]) -> Float[Tensor, "*#b n"]:
        return self.from_normal_coordinates(x, 2 / _gap(self._unit(x)) * u)

    @override
    def log(self, x: Float[Tensor, "*#b n"], y: Float[Tensor, "*#b n"]) -> Float[Tensor, "*#b n"]:
        return _gap(self._unit(x)) / 2 * self.normal_coordinates(x, y)

    @override
    def distance(
        self, x: Float[Tensor, "*#b n"], y: Float[Tensor, "*#b n"]
    ) -> Float[Tensor, "*#b"]:
        # sinh(d/2) = |y - x| / sqrt(gap gap): nothing cancels however close the points are.
        a, b = self._unit(x), self._unit(y)
        half = arsinh(safe_norm((b - a) / (_gap(a) * _gap(b)).sqrt()))
        return 2 * half / inverse_radius(self.curvature, like=x)

    @override
    def transport(
        self, x: Float[Tensor, "*#b n"], y: Float[Tensor, "*#b n"], u: Float[Tensor, "*#b n"]
    ) -> Float[Tensor, "*#b n"]:
        a, b = self._unit(x), self._unit(y)
        gap_a, gap_b = _gap(a), _gap(b)
        return gap_b / gap_a * gyration(a, b - a, gap_a, gap_b, u)

    @override
    def normal_coordinates(
        self, x: Float[Tensor, "*#b n"], y: Float[Tensor, "*#b n"]
    ) -> Float[Tensor, "*#b d"]:
        # The Möbius sum (-x) + y has length tanh(d/2), which saturates: it is scaled here to have
        # length sinh(d/2), and written in s = y - x, which geoopt's mobius_add forms too late.
        a, b = self._unit(x), self._unit(y)
        gap_a, gap_b, s = _gap(a), _gap(b), b - a
        cosh_half = (1 + _dot(s, s) / (gap_a * gap_b)).sqrt()
        half = radial_arsinh((s - _dot(s, s) / gap_a * a) / (gap_b * cosh_half))
        return 2 * half / inverse_radius(self.curvature, like=x)

    @override
    def from_normal_coordinates(
        self, x: Float[Tensor, "*#b n"], v: Float[Tensor, "*#b d"]
    ) -> Float[Tensor, "*#b n"]:
        scale = inverse_radius(self.curvature, like=x)
        return self._clip(translate(scale * x, (scale / 2) * v) / scale, scale)

    @override
    def point(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b n"]:
        scale = inverse_radius(self.curvature, like=z)
        return self._clip(radial_tanh((scale / 2) * z) / scale, scale)

    @override
    def code(self, x: Float[Tensor, "*b n"]) -> Float[Tensor, "*b d"]:
        scale = inverse_radius(self.curvature, like=x)
        return radial_artanh(scale * x) * (2 / scale)

    @override
    def unwrap(self, z: Float[Tensor, "*b t d"]) -> Float[Tensor, "*b t d"]:
        return z

    @override
    def from_tangent_at_origin(self, v: Float[Tensor, "*b d"]) -> Float[Tensor, "*b n"]:
        return v / 2

    @override
    def to_tangent_at_origin(self, u: Float[Tensor, "*b n"]) -> Float[Tensor, "*b d"]:
        return 2 * u

    @override
    def log_det_exp(self, v: Float[Tensor, "*b d"]) -> Float[Tensor, "*b"]:
        return volume_distortion(self.curvature, v)

    @override
    def largest_radius(self, dtype: torch.dtype) -> float:
        eps = torch.finfo(dtype).eps
        return 2 * math.atanh(1 - 2 * eps) / math.sqrt(-float(self.curvature.detach()))

    @override
    def valid_radius(self, dtype: torch.dtype) -> float:
        return resolved_radius(self.curvature, dtype)

    @override
    def geoopt(self) -> "geoopt.Manifold":
        import geoopt

        # geoopt's c is -K; it writes into the tensor it is given.
        return geoopt.PoincareBall(c=-self.curvature.detach().clone(), learnable=False)

    def _clip(self, x: Tensor, scale: Tensor) -> Tensor:
        """Bring back inside what is outside, by rounding or not far."""
        eps = torch.finfo(x.dtype).eps
        a = scale * x
        square = _dot(a, a)
        # Inside the limit, so that the roundings of this cannot bring the result beyond it again.
        is_outside = square > (1 - 2 * eps) ** 2
        shrink = (1 - 4 * eps) * torch.where(is_outside, square, torch.ones_like(square)).rsqrt()
        return torch.where(is_outside, shrink * x, x)

    def _unit(self, x: Tensor) -> Tensor:
        """Coordinates in units of the curvature radius, as for K = -1."""
        return inverse_radius(self.curvature, like=x) * x


def _gap(a: Tensor) -> Tensor:
    """1 - |a|², which is 2 over the conformal factor."""
    return 1 - _dot(a, a)


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum(dim=-1, keepdim=True)
