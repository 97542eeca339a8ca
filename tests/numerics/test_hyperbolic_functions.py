"""Values and derivatives against 60-digit arithmetic."""

import mpmath
import pytest
import torch

from geolatent.numerics.hyperbolic_functions import (
    arsinh,
    arsinhc_of_square,
    log_sinhc_of_square,
    sech_squared_of_square,
    sinhc_of_square,
    tanhc_of_square,
)

ORACLES = {
    sinhc_of_square: lambda s: mpmath.sinh(mpmath.sqrt(s)) / mpmath.sqrt(s),
    log_sinhc_of_square: lambda s: mpmath.log(mpmath.sinh(mpmath.sqrt(s)) / mpmath.sqrt(s)),
    tanhc_of_square: lambda s: mpmath.tanh(mpmath.sqrt(s)) / mpmath.sqrt(s),
    sech_squared_of_square: lambda s: mpmath.sech(mpmath.sqrt(s)) ** 2,
    arsinhc_of_square: lambda s: mpmath.asinh(mpmath.sqrt(s)) / mpmath.sqrt(s),
}
# Both sides of the two thresholds 0.09 and 1, and well away from them.
SQUARES = [1e-30, 1e-12, 1e-3, 0.05, 0.0899, 0.0901, 0.5, 0.999, 1.001, 4.0, 50.0, 300.0]

every_function = pytest.mark.parametrize("function", ORACLES, ids=lambda f: f.__name__)


@every_function
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values(function, dtype):
    squares = torch.tensor(SQUARES, dtype=dtype)
    with mpmath.workdps(60):
        expected = [float(ORACLES[function](mpmath.mpf(float(s)))) for s in squares]
    # Few roundings, and sqrt(s) <= 18 of relative error eps in an exponential: 18 eps.
    torch.testing.assert_close(
        function(squares),
        torch.tensor(expected, dtype=dtype),
        rtol=25 * torch.finfo(dtype).eps,
        atol=0.0,
    )


@every_function
def test_three_derivatives(function):
    squares = torch.tensor(SQUARES, dtype=torch.float64)
    derivative = function
    for order in (1, 2, 3):
        derivative = torch.func.grad(_summed(derivative))
        with mpmath.workdps(60):
            # Central points are kept off the branch point of sqrt by the 60 digits.
            expected = [
                float(mpmath.taylor(ORACLES[function], mpmath.mpf(s), order, radius=s / 2)[order])
                * int(mpmath.factorial(order))
                for s in SQUARES[2:]
            ]
        # The closed form loses 0.09^-3 = 1e3 and the series nothing.
        torch.testing.assert_close(
            derivative(squares)[2:],
            torch.tensor(expected, dtype=torch.float64),
            rtol=2e-11,
            atol=0.0,
        )


@every_function
def test_zero_is_an_ordinary_point(function):
    zero = torch.zeros((), dtype=torch.float64)
    near = torch.tensor(1e-9, dtype=torch.float64)
    derivative = function
    for _ in range(4):
        assert torch.isfinite(derivative(zero))
        torch.testing.assert_close(derivative(zero), derivative(near), rtol=1e-7, atol=1e-8)
        derivative = torch.func.grad(derivative)


def _summed(function):
    return lambda s: function(s).sum()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_arsinh_has_its_gradient_up_to_the_largest_number(dtype):
    limits = torch.finfo(dtype)
    x = torch.tensor([0.0, 1e-20, 1e-3, 1.0, 1e3, 1e5, 1e10, 1e25, limits.max], dtype=dtype)
    x.requires_grad_()
    value = arsinh(x)
    value.sum().backward()
    with mpmath.workdps(40):
        exact = [mpmath.mpf(float(t)) for t in x.detach()]
        values = [float(mpmath.asinh(t)) for t in exact]
        slopes = [float(1 / mpmath.sqrt(1 + t * t)) for t in exact]
    close = {"rtol": 4 * limits.eps, "atol": 0.0}
    torch.testing.assert_close(value, torch.tensor(values, dtype=dtype), **close)
    # 1/max is subnormal, with fewer digits.
    torch.testing.assert_close(x.grad[:-1], torch.tensor(slopes[:-1], dtype=dtype), **close)
    assert x.grad[-1] > 0
