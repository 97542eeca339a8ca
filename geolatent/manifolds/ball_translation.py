"""Translations of the unit ball, the conformal model of hyperbolic space."""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from geolatent.numerics.closed_gradient import ClosedGradient
from geolatent.numerics.hyperbolic_functions import sech_squared_of_square
from geolatent.numerics.radial_maps import radial_tanh


def translate(a: Float[Tensor, "*#b d"], half: Float[Tensor, "*#b d"]) -> Float[Tensor, "*#b d"]:
    r"""The Möbius sum of a and the point whose normal coordinates at the origin are twice `half`.

    .. math:: a \oplus p = \frac{|s|^2 a + (1 - |a|^2)\, s}{|s|^2 + (1 - |a|^2)(1 - |p|^2)}, \qquad
        s = a + p, \quad p = \tanh(|h|)\, h / |h|

    Written in s nothing cancels, as :math:`1 - |p|^2` is known from h.

    Args:
        a: points of the ball, (\*b d).
        half: h, vectors, (\*b d).

    Returns:
        Points, (\*b d), in the ball up to rounding.
    """
    a, half = torch.broadcast_tensors(a, half)
    translated: Tensor = _TRANSLATION(a, half)
    return translated


@final
class _Translation(ClosedGradient):
    @override
    def composition(self, *inputs: Tensor) -> Tensor:
        a, half = inputs
        gap_a, gap_p = 1 - _dot(a, a), sech_squared_of_square(_dot(half, half))
        s = a + radial_tanh(half)
        square = _dot(s, s)
        return (square * a + gap_a * s) / (square + gap_a * gap_p)

    @override
    def value(self, *inputs: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        a, half = inputs
        square_half = _dot(half, half).clamp(min=torch.finfo(half.dtype).tiny)
        radius = square_half.sqrt()
        tanh = radius.tanh()
        quotient = tanh / radius
        root = radius.cosh().reciprocal()
        gap_a, gap_p = 1 - _dot(a, a), root * root
        s = torch.addcmul(a, quotient, half)
        square = _dot(s, s)
        divisor = torch.addcmul(square, gap_a, gap_p)
        total = torch.addcmul(square * a, gap_a, s) / divisor
        return total, (square_half, quotient, gap_a, gap_p, s, square, divisor, total)

    @override
    def gradient(
        self, inputs: tuple[Tensor, ...], made: tuple[Tensor, ...], *upstream: Tensor
    ) -> tuple[Tensor, Tensor]:
        (a, half), (w,) = inputs, upstream
        square_half, quotient, gap_a, gap_p, s, square, divisor, total = made
        # Of numerator and denominator, then of |s|² and both gaps, then of s.
        upper = w / divisor
        lower = -_dot(upper, total)
        of_square = _dot(upper, a) + lower
        of_gap = torch.addcmul(_dot(upper, s), lower, gap_p)
        of_s = torch.addcmul(gap_a * upper, 2 * of_square, s)
        of_a = torch.addcmul(torch.addcmul(of_s, square, upper), -2 * of_gap, a)
        # As in every radial map, what cancels near zero is multiplied with what is as small.
        radial = (gap_p - quotient) / square_half * _dot(half, of_s)
        radial = torch.addcmul(radial, (-2 * lower) * gap_a, gap_p * quotient)
        return of_a, torch.addcmul(quotient * of_s, radial, half)


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum(dim=-1, keepdim=True)


_TRANSLATION = _Translation()
