"""Hyperbolic space as a sheet of the hyperboloid."""

import math
from typing import TYPE_CHECKING, final

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from geolatent.manifolds.constant_curvature import ConstantCurvature
from geolatent.manifolds.curvature import (
    inverse_radius,
    resolved_radius,
    signed_curvature,
    volume_distortion,
)
from geolatent.manifolds.gyration import gyration
from geolatent.manifolds.lorentz_translation import time_coordinate, translate, translate_back
from geolatent.numerics.closed_gradient import ClosedGradient
from geolatent.numerics.radial_maps import (
    radial_arsinh,
    radial_arsinh_of_large,
    radial_sinh,
)
from geolatent.numerics.safe_norm import safe_norm

if TYPE_CHECKING:
    import geoopt


class Lorentz(ConstantCurvature):
    r"""Hyperbolic space of curvature K as the upper sheet of the hyperboloid.

    .. math:: -x_0^2 + x_1^2 + \dots + x_d^2 = 1/K, \qquad x_0 > 0

    The d spatial coordinates are authoritative, of points and of tangent vectors: the time
    coordinate, index 0, is filled in and never read (it is a function of the others, and reading it
    loses :math:`e^{2r}` to cancellation at radius r). Gradients are with respect to the spatial
    coordinates; that of the time coordinate is zero.

    Numerical limits, at K = -1 (a distance counts in units of :math:`1/\sqrt{-K}`):

    * Points are stored up to radius 43.4 in float32 and 353.9 in float64 (`largest_radius`;
      coordinates grow like :math:`e^r`, products of two have to fit in the dtype), and exponential
      maps take vectors up to that length. Farther out results overflow to infinity or NaN, they
      do not saturate.
    * Positions are known to :math:`\varepsilon \sinh r`: 0.1 % up to radius 9.7 in float32 and 29.8
      in float64 (`valid_radius`).
    * A distance has a relative error of about :math:`\varepsilon e^r` with r the smaller of the two
      radii, at any separation.
    * A tangent vector in ambient coordinates, as `exp`, `log` and `transport` take and give it, is
      itself known to :math:`\varepsilon e^r`, so that :math:`\exp_x u` is right to
      :math:`\varepsilon e^{r + |u|}` only. For normal coordinates it is :math:`\varepsilon e^r` or
      :math:`\varepsilon e^{|v|}`, whichever is greater.

    Args:
        dim: dimension d; points have d + 1 coordinates.
        curvature: K < 0.
        learn_curvature: whether K is learned, starting there.

    Raises:
        ValueError: dim is not a positive integer, or the curvature not a finite negative number.

    References:
        Nickel and Kiela (2018), arXiv 1806.03417. Mishne, Wan, Wang and Yang (2023), The numerical
        stability of hyperbolic representation learning, arXiv 2211.00181.
    """

    def __init__(
        self, dim: int, curvature: float | Tensor = -1.0, *, learn_curvature: bool = False
    ) -> None:
        super().__init__(
            dim=dim,
            ambient_dim=dim + 1,
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
        return self._point(torch.zeros(self.dim, dtype=like.dtype, device=like.device))

    @override
    def project(self, x: Float[Tensor, "*b n"]) -> Float[Tensor, "*b n"]:
        largest = math.sinh(_largest_angle(x.dtype))
        size = safe_norm(self._unit(x)).unsqueeze(-1)
        is_outside = size > largest
        # A step inside the limit, so that rounding cannot bring the result beyond it again.
        inside = largest * (1 - 4 * torch.finfo(x.dtype).eps)
        shrink = inside / torch.where(is_outside, size, torch.ones_like(size))
        return self._point(torch.where(is_outside, shrink * x[..., 1:], x[..., 1:]))

    @override
    def project_tangent(
        self, x: Float[Tensor, "*#b n"], u: Float[Tensor, "*#b n"]
    ) -> Float[Tensor, "*#b n"]:
        a = self._unit(x)
        # Only what the time coordinate has too much is projected: a tangent vector stays, exactly.
        tangent = self._tangent(a, u[..., 1:])
        excess = u[..., :1] - tangent[..., :1]
        return self._tangent(a, u[..., 1:] - time_coordinate(a) * excess * a)

    @override
    def inner(
        self, x: Float[Tensor, "*#b n"], u: Float[Tensor, "*#b n"], v: Float[Tensor, "*#b n"]
    ) -> Float[Tensor, "*#b"]:
        # The Minkowski form cancels; the frame makes it a sum of squares.
        a = self._unit(x)
        return (self._in_frame(a, u) * self._in_frame(a, v)).sum(dim=-1)

    @override
    def exp(self, x: Float[Tensor, "*#b n"], u: Float[Tensor, "*#b n"]) -> Float[Tensor, "*#b n"]:
        return self.from_normal_coordinates(x, self._in_frame(self._unit(x), u))

    @override
    def log(self, x: Float[Tensor, "*#b n"], y: Float[Tensor, "*#b n"]) -> Float[Tensor, "*#b n"]:
        return self._from_frame(self._unit(x), self.normal_coordinates(x, y))

    @override
    def distance(
        self, x: Float[Tensor, "*#b n"], y: Float[Tensor, "*#b n"]
    ) -> Float[Tensor, "*#b"]:
        # From the inner of the two points, whose position is the better known.
        x, y = torch.broadcast_tensors(x, y)
        is_inner = _dot(x[..., 1:], x[..., 1:]) <= _dot(y[..., 1:], y[..., 1:])
        inner, outer = torch.where(is_inner, x, y), torch.where(is_inner, y, x)
        return safe_norm(self.normal_coordinates(inner, outer))

    @override
    def transport(
        self, x: Float[Tensor, "*#b n"], y: Float[Tensor, "*#b n"], u: Float[Tensor, "*#b n"]
    ) -> Float[Tensor, "*#b n"]:
        # u + <y, u> / (1 + cosh d) (x + y) would lose e^(2r). In frames it is a rotation, whose
        # closed form is in the coordinates a / (1 + time) of the ball.
        a, b = self._unit(x), self._unit(y)
        time_a, time_b = time_coordinate(a), time_coordinate(b)
        difference = (b - a) - a * (_dot(b - a, (a + b) / (time_a + time_b)) / (1 + time_a))
        w = gyration(
            a / (1 + time_a),
            difference / (1 + time_b),
            2 / (1 + time_a),
            2 / (1 + time_b),
            self._in_frame(a, u),
        )
        return self._from_frame(b, w)

    @override
    def normal_coordinates(
        self, x: Float[Tensor, "*#b n"], y: Float[Tensor, "*#b n"]
    ) -> Float[Tensor, "*#b d"]:
        scale = inverse_radius(self.curvature, like=x)
        # Their distance may be twice the largest radius.
        apart = translate_back(self._unit(x), self._unit(y))
        return radial_arsinh_of_large(apart) / scale

    @override
    def from_normal_coordinates(
        self, x: Float[Tensor, "*#b n"], v: Float[Tensor, "*#b d"]
    ) -> Float[Tensor, "*#b n"]:
        scale = inverse_radius(self.curvature, like=x)
        moved = translate(scale * x[..., 1:], radial_sinh(scale * v))
        return _lift(moved / scale, scale)

    @override
    def point(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b n"]:
        scale = inverse_radius(self.curvature, like=z)
        return _lift(radial_sinh(scale * z) / scale, scale)

    @override
    def code(self, x: Float[Tensor, "*b n"]) -> Float[Tensor, "*b d"]:
        scale = inverse_radius(self.curvature, like=x)
        return radial_arsinh(scale * x[..., 1:]) / scale

    @override
    def unwrap(self, z: Float[Tensor, "*b t d"]) -> Float[Tensor, "*b t d"]:
        return z

    @override
    def from_tangent_at_origin(self, v: Float[Tensor, "*b d"]) -> Float[Tensor, "*b n"]:
        return torch.cat([torch.zeros_like(v[..., :1]), v], dim=-1)

    @override
    def to_tangent_at_origin(self, u: Float[Tensor, "*b n"]) -> Float[Tensor, "*b d"]:
        return u[..., 1:]

    @override
    def log_det_exp(self, v: Float[Tensor, "*b d"]) -> Float[Tensor, "*b"]:
        return volume_distortion(self.curvature, v)

    @override
    def largest_radius(self, dtype: torch.dtype) -> float:
        return _largest_angle(dtype) / math.sqrt(-float(self.curvature.detach()))

    @override
    def valid_radius(self, dtype: torch.dtype) -> float:
        return resolved_radius(self.curvature, dtype)

    @override
    def geoopt(self) -> "geoopt.Manifold":
        import geoopt

        # geoopt's k is the squared radius, -1/K.
        return geoopt.Lorentz(k=-1.0 / self.curvature.detach().clone(), learnable=False)

    def _unit(self, x: Tensor) -> Tensor:
        """Spatial coordinates in units of the curvature radius, as for K = -1."""
        return inverse_radius(self.curvature, like=x) * x[..., 1:]

    def _point(self, spatial: Tensor) -> Tensor:
        """Fill in the time coordinate of a point."""
        return _lift(spatial, inverse_radius(self.curvature, like=spatial))

    def _tangent(self, a: Tensor, spatial: Tensor) -> Tensor:
        """Fill in the time coordinate of a tangent vector at the point of unit coordinates a."""
        a, spatial = torch.broadcast_tensors(a, spatial)
        time = _dot(a / time_coordinate(a), spatial)
        return torch.cat([time, spatial], dim=-1)

    def _in_frame(self, a: Tensor, u: Tensor) -> Tensor:
        """Isometric coordinates of u, a tangent vector at a, transported to the origin."""
        time, spatial = time_coordinate(a), u[..., 1:]
        return spatial - _dot(a / time, spatial) * (a / (1 + time))

    def _from_frame(self, a: Tensor, w: Tensor) -> Tensor:
        """Tangent vector at a, from its isometric coordinates."""
        return self._tangent(a, w + _dot(a, w) * (a / (1 + time_coordinate(a))))


@final
class _Lift(ClosedGradient):
    """Of spatial coordinates and the inverse radius of curvature."""

    @override
    def composition(self, *inputs: Tensor) -> Tensor:
        spatial, scale = inputs
        return torch.cat([time_coordinate(scale * spatial) / scale, spatial], dim=-1)

    @override
    def value(self, *inputs: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        spatial, scale = inputs
        time = time_coordinate(scale * spatial) / scale
        return torch.cat([time, spatial], dim=-1), (time,)

    @override
    def gradient(
        self, inputs: tuple[Tensor, ...], made: tuple[Tensor, ...], *upstream: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        (spatial, scale), (time,), (w,) = inputs, made, upstream
        slope = w[..., :1] / time
        # The square of the time coordinate is that of the radius and of the others.
        of_scale = -slope.sum() / scale**3 if scale.requires_grad else None
        return torch.addcmul(w[..., 1:], slope, spatial), of_scale


_LIFT = _Lift()


def _lift(spatial: Tensor, scale: Tensor) -> Tensor:
    lifted: Tensor = _LIFT(spatial, scale)
    return lifted


def _largest_angle(dtype: torch.dtype) -> float:
    """The largest radius in units of the curvature radius."""
    # sinh(r)^2 = e^(2r) / 4, and sums of a few such, fit.
    return math.log(torch.finfo(dtype).max) / 2 - 1


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum(dim=-1, keepdim=True)
