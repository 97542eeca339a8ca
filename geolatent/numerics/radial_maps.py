r"""Maps :math:`v \mapsto f(|v|)\,v/|v|`, smooth at zero: what exponential maps are made of."""

from collections.abc import Callable
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from geolatent.numerics.circular_functions import (
    ARCSINC_BOUND,
    arcsinc_of_square,
    sinc_of_square,
)
from geolatent.numerics.closed_gradient import ClosedGradient
from geolatent.numerics.hyperbolic_functions import (
    arsinh,
    arsinhc_of_square,
    log_sinhc_and_slope,
    log_sinhc_of_square,
    sinhc_of_square,
    tanhc_of_square,
)
from geolatent.numerics.safe_norm import safe_norm


def radial_sinh(v: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"]:
    r"""Keep the direction, replace the length by its hyperbolic sine: :math:`\sinh(|v|)\,v/|v|`.

    Args:
        v: Vectors, (\*b d). Overflows to infinity where :math:`\sinh |v|` does: 89 in float32, 710
            in float64.

    Returns:
        (\*b d).
    """
    mapped: Tensor = _SINH(v)
    return mapped


def radial_tanh(v: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"]:
    r"""Keep the direction, replace the length by its hyperbolic tangent: :math:`\tanh(|v|)\,v/|v|`.

    Args:
        v: Vectors, (\*b d).

    Returns:
        (\*b d), of length below one, or one after rounding.
    """
    mapped: Tensor = _TANH(v)
    return mapped


def radial_artanh(v: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"]:
    r"""Inverse of :func:`radial_tanh`: :math:`\operatorname{artanh}(|v|)\,v/|v|`.

    Args:
        v: Vectors, (\*b d), of length below one.

    Returns:
        (\*b d).
    """
    mapped: Tensor = _ARTANH(v)
    return mapped


def radial_arsinh(v: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"]:
    r"""Inverse of :func:`radial_sinh`: :math:`\operatorname{arsinh}(|v|)\,v/|v|`.

    Args:
        v: Vectors, (\*b d), whose squares fit in the dtype.

    Returns:
        (\*b d).
    """
    mapped: Tensor = _ARSINH(v)
    return mapped


def radial_arsinh_of_large(v: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"]:
    r"""The same for vectors up to the largest number of the dtype, at three times the cost.

    Args:
        v: Vectors, (\*b d).

    Returns:
        (\*b d).
    """
    # Above one the square could overflow, and the norm is smooth there: use the norm instead.
    is_large = (v.detach().abs().amax(dim=-1) > 1).unsqueeze(-1)
    near = torch.where(is_large, torch.zeros_like(v), v)
    far = torch.where(is_large, v, torch.ones_like(v))
    radius = safe_norm(far).unsqueeze(-1)
    factor = torch.where(
        is_large,
        arsinh(radius) / radius,
        arsinhc_of_square(near.square().sum(dim=-1, keepdim=True)),
    )
    return factor * v


def radial_log_sinhc(v: Float[Tensor, "*b d"]) -> Float[Tensor, "*b"]:
    r"""How much :func:`radial_sinh` lengthens, :math:`\log(\sinh(|v|) / |v|)`.

    Args:
        v: Vectors, (\*b d), whose squares fit in the dtype.

    Returns:
        (\*b).
    """
    value: Tensor = _LOG_SINHC(v)
    return value


def radial_sin(v: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"]:
    r"""Keep the direction, replace the length by its sine: :math:`\sin(|v|)\,v/|v|`.

    Args:
        v: Vectors, (\*b d). Beyond :math:`\pi` the direction turns round with the sign of the sine.

    Returns:
        (\*b d), of length at most one.
    """
    return sinc_of_square(v.square().sum(dim=-1, keepdim=True)) * v


def radial_angle(v: Float[Tensor, "*b d"], cosine: Float[Tensor, "*b 1"]) -> Float[Tensor, "*b d"]:
    r"""Inverse of :func:`radial_sin` on lengths up to :math:`\pi`, the cosine being known too.

    .. math:: \operatorname{atan2}(|v|, c)\, v / |v|

    Args:
        v: Vectors, (\*b d).
        cosine: c, of the angle whose sine is the length, (\*b 1).

    Returns:
        (\*b d); for v = 0 and c < 0, where every direction is as good, along the first axis.
    """
    square = v.square().sum(dim=-1, keepdim=True)
    is_near = (square < ARCSINC_BOUND) & (cosine > 0)
    axis = torch.zeros_like(v)
    axis[..., 0] = 1
    is_opposite = (square == 0) & ~is_near
    far = torch.where(is_near | is_opposite, axis, v)
    sine = safe_norm(far).unsqueeze(-1)
    length = torch.where(is_opposite, torch.zeros_like(sine), sine)
    near = arcsinc_of_square(torch.where(is_near, square, torch.zeros_like(square)))
    return torch.where(is_near, near * v, torch.atan2(length, cosine) / sine * far)


@final
class _RadialMap(ClosedGradient):
    r"""The map of an odd function f.

    .. math:: J\,w = \frac{f(r)}r w + \frac{f'(r) - f(r)/r}{r^2} (v \cdot w)\, v, \qquad r = |v|

    Near zero the difference cancels, but what it is multiplied with is as small as what it loses.

    Args:
        quotient: f(r)/r as a function of :math:`r^2`.
        function: f, of r and its square, with relative accuracy down to zero.
        slope: f', of f(r) and the square of r.
    """

    def __init__(
        self,
        quotient: Callable[[Tensor], Tensor],
        function: Callable[[Tensor, Tensor], Tensor],
        slope: Callable[[Tensor, Tensor], Tensor],
    ) -> None:
        self._quotient, self._function, self._slope = quotient, function, slope

    @override
    def composition(self, *inputs: Tensor) -> Tensor:
        (v,) = inputs
        return self._quotient(v.square().sum(dim=-1, keepdim=True)) * v

    @override
    def value(self, *inputs: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        (v,) = inputs
        # A radius of zero has no direction, and any other number as good.
        square = (v * v).sum(dim=-1, keepdim=True).clamp(min=torch.finfo(v.dtype).tiny)
        radius = square.sqrt()
        mapped = self._function(radius, square)
        quotient = mapped / radius
        return quotient * v, (square, mapped, quotient)

    @override
    def gradient(
        self, inputs: tuple[Tensor, ...], made: tuple[Tensor, ...], *upstream: Tensor
    ) -> tuple[Tensor]:
        (v,), (square, mapped, quotient) = inputs, made
        (w,) = upstream
        along = (v * w).sum(dim=-1, keepdim=True)
        share = (self._slope(mapped, square) - quotient) / square * along
        return (torch.addcmul(quotient * w, share, v),)


def _artanhc_of_square(square: Tensor) -> Tensor:
    gap = 1 - square
    return arsinhc_of_square(square / gap) * gap.rsqrt()


_SINH = _RadialMap(
    sinhc_of_square,
    lambda radius, square: radius.sinh(),
    lambda sinh, square: (1 + sinh * sinh).sqrt(),
)
_TANH = _RadialMap(
    tanhc_of_square,
    lambda radius, square: radius.tanh(),
    lambda tanh, square: 1 - tanh * tanh,
)
_ARSINH = _RadialMap(
    arsinhc_of_square,
    lambda radius, square: radius.asinh(),
    lambda arsinh, square: (1 + square).rsqrt(),
)
_ARTANH = _RadialMap(
    _artanhc_of_square,
    # Of the square and not its root, which is rounded once more: it counts close to one.
    lambda radius, square: (radius * (1 - square).rsqrt()).asinh(),
    lambda artanh, square: 1 / (1 - square),
)


@final
class _RadialLogSinhc(ClosedGradient):
    @override
    def composition(self, *inputs: Tensor) -> Tensor:
        return log_sinhc_of_square(inputs[0].square().sum(dim=-1))

    @override
    def value(self, *inputs: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        (v,) = inputs
        value, slope = log_sinhc_and_slope((v * v).sum(dim=-1))
        return value, (slope,)

    @override
    def gradient(
        self, inputs: tuple[Tensor, ...], made: tuple[Tensor, ...], *upstream: Tensor
    ) -> tuple[Tensor]:
        (v,), (slope,), (w,) = inputs, made, upstream
        return ((2 * slope * w).unsqueeze(-1) * v,)


_LOG_SINHC = _RadialLogSinhc()
