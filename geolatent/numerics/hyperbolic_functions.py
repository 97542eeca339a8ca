r"""Quotients of hyperbolic functions, right in value and derivatives at and around zero.

Each is an even function of x, that is a smooth function of :math:`s = x^2`. It is taken as a
function of s, so that :math:`s = |v|^2` of a vector passes through without the kink of a norm, and
derivatives of every order in v exist at :math:`v = 0`.

Below a threshold the power series in s is summed; above it, the closed form. Differentiating the
closed form k times loses a factor :math:`s^{-k}` in relative accuracy, so the thresholds are as
high as the series allow: three derivatives keep ten digits in float64.
"""

from math import comb, factorial, log
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from geolatent.numerics.closed_gradient import ClosedGradient
from geolatent.numerics.even_function import even_function, polynomial, polynomials

# Entire functions: at s = 1 the first omitted terms are 1/23! = 4e-23 and 1/20! = 4e-19.
_SINHC = tuple(1 / factorial(2 * k + 1) for k in range(11))
_SINHC_SLOPE = tuple(k / factorial(2 * k + 1) for k in range(1, 11))
_COSH = tuple(1 / factorial(2 * k) for k in range(10))
_ENTIRE_BOUND = 1.0

# Radius of convergence 1: at s = 0.09 the first of the omitted terms is 0.09^16 * 0.004 = 1e-19.
_ARSINHC = tuple((-1) ** k * comb(2 * k, k) / (4**k * (2 * k + 1)) for k in range(16))
_ARSINHC_BOUND = 0.09


def sinhc_of_square(square: Float[Tensor, "*b"]) -> Float[Tensor, "*b"]:
    r"""Hyperbolic sine over its argument, :math:`\sinh(x) / x`, as a function of :math:`s = x^2`.

    Args:
        square: :math:`s \ge 0`, (\*b).

    Returns:
        Values in :math:`[1, \infty)`, (\*b).
    """
    return even_function(square, _ENTIRE_BOUND, _sinhc_series, lambda x: x.sinh() / x)


def log_sinhc_of_square(square: Float[Tensor, "*b"]) -> Float[Tensor, "*b"]:
    r"""Its logarithm, :math:`\log(\sinh(x) / x)`, which grows like x and does not overflow.

    Args:
        square: :math:`s = x^2 \ge 0`, (\*b).

    Returns:
        Values in :math:`[0, \infty)`, (\*b), with full relative accuracy down to :math:`s = 0`.
    """
    value: Tensor = _LOG_SINHC(square)
    return value


def log_sinhc_and_slope(
    square: Float[Tensor, "*b"],
) -> tuple[Float[Tensor, "*b"], Float[Tensor, "*b"]]:
    r"""The same and its derivative in s, to be used where nothing is recorded.

    Args:
        square: :math:`s = x^2 \ge 0`, (\*b).

    Returns:
        Values and slopes, (\*b) each.
    """
    near = square.clamp(max=_ENTIRE_BOUND)
    quotient, sinhc_slope = polynomials(near, (_SINHC[1:], _SINHC_SLOPE), _ENTIRE_BOUND)
    excess = near * quotient
    far = square.clamp(min=_ENTIRE_BOUND)
    x = far.sqrt()
    down = -2 * x
    logarithm = x + (down.expm1() / down).log()
    is_near = square < _ENTIRE_BOUND
    slope = torch.where(is_near, sinhc_slope / (1 + excess), (x / x.tanh() - 1) / (far + far))
    return torch.where(is_near, excess.log1p(), logarithm), slope


def tanhc_of_square(square: Float[Tensor, "*b"]) -> Float[Tensor, "*b"]:
    r"""Hyperbolic tangent over its argument, :math:`\tanh(x) / x`, of :math:`s = x^2`.

    Args:
        square: :math:`s \ge 0`, (\*b).

    Returns:
        Values in :math:`(0, 1]`, (\*b).
    """
    return even_function(
        square,
        _ENTIRE_BOUND,
        lambda s: _sinhc_series(s) / polynomial(s, _COSH, _ENTIRE_BOUND),
        lambda x: x.tanh() / x,
    )


def sech_squared_of_square(square: Float[Tensor, "*b"]) -> Float[Tensor, "*b"]:
    r"""One over the square of the hyperbolic cosine, :math:`1 - \tanh^2 x`, of :math:`s = x^2`.

    Args:
        square: :math:`s \ge 0`, (\*b).

    Returns:
        Values in :math:`[0, 1]`, (\*b), without cancellation where the tangent is close to one.
    """

    def closed_form(x: Tensor) -> Tensor:
        decay = torch.exp(-2 * x)
        return 4 * decay / (1 + decay).square()

    return even_function(
        square,
        _ENTIRE_BOUND,
        lambda s: polynomial(s, _COSH, _ENTIRE_BOUND).square().reciprocal(),
        closed_form,
    )


def arsinhc_of_square(square: Float[Tensor, "*b"]) -> Float[Tensor, "*b"]:
    r"""Inverse hyperbolic sine over its argument, :math:`\operatorname{arsinh}(x) / x`.

    Args:
        square: :math:`s = x^2 \ge 0`, (\*b).

    Returns:
        Values in :math:`(0, 1]`, (\*b).
    """
    return even_function(
        square,
        _ARSINHC_BOUND,
        lambda s: polynomial(s, _ARSINHC, _ARSINHC_BOUND),
        lambda x: x.asinh() / x,  # the root of a finite square: its own square does not overflow
    )


def arsinh(x: Float[Tensor, "*b"]) -> Float[Tensor, "*b"]:
    r"""Inverse hyperbolic sine of a non-negative number, with a gradient up to the largest one.

    .. math:: \operatorname{arsinh}(x) = \log\bigl(x + \sqrt{1 + x^2}\bigr)

    ``torch.asinh`` squares its argument in the backward pass, so that its gradient is exactly zero
    from 2e19 in float32.

    Args:
        x: :math:`x \ge 0`, (\*b).

    Returns:
        (\*b).
    """
    # From here on arsinh(x) = log(2x) to rounding: the next term is 1/(4x^2) = eps/4.
    is_large = x * torch.finfo(x.dtype).eps ** 0.5 > 1
    one = torch.ones_like(x)
    logarithm = torch.where(is_large, x, one).log() + log(2)
    return torch.where(is_large, logarithm, torch.where(is_large, one, x).asinh())


def _sinhc_series(square: Tensor) -> Tensor:
    return polynomial(square, _SINHC, _ENTIRE_BOUND)


@final
class _LogSinhc(ClosedGradient):
    @override
    def composition(self, *inputs: Tensor) -> Tensor:
        return even_function(
            inputs[0],
            _ENTIRE_BOUND,
            # sinhc - 1 is summed without its leading 1, so that log1p keeps the relative accuracy.
            lambda s: torch.log1p(s * polynomial(s, _SINHC[1:], _ENTIRE_BOUND)),
            lambda x: x + torch.log1p(-torch.exp(-2 * x)) - torch.log(2 * x),
        )

    @override
    def value(self, *inputs: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        value, slope = log_sinhc_and_slope(inputs[0])
        return value, (slope,)

    @override
    def gradient(
        self, inputs: tuple[Tensor, ...], made: tuple[Tensor, ...], *upstream: Tensor
    ) -> tuple[Tensor]:
        return (made[0] * upstream[0],)


_LOG_SINHC = _LogSinhc()
