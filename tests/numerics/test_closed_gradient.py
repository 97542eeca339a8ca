"""Gradients written by hand against those of the compositions that they stand in for."""

import pytest
import torch
from torch.autograd import forward_ad, gradcheck, gradgradcheck

from geolatent.manifolds.ball_translation import translate
from geolatent.manifolds.lorentz_translation import translate as boost
from geolatent.numerics.hyperbolic_functions import log_sinhc_of_square
from geolatent.numerics.radial_maps import (
    radial_arsinh,
    radial_artanh,
    radial_log_sinhc,
    radial_sinh,
    radial_tanh,
)


def in_ball(v):
    return 0.9999 * torch.tanh(v.norm(dim=-1, keepdim=True)) * v / v.norm(dim=-1, keepdim=True)


FUNCTIONS = {
    "sinh": radial_sinh,
    "tanh": radial_tanh,
    "arsinh": radial_arsinh,
    "artanh": lambda v: radial_artanh(in_ball(v)),
    "log sinhc": lambda v: log_sinhc_of_square(v.square().sum(-1)),
    "radial log sinhc": radial_log_sinhc,
    "boost by a fixed point": lambda v: boost(torch.tensor([0.3, -0.8]).to(v), v),
    "boost a fixed point": lambda v: boost(v, torch.tensor([0.5, 1.5]).to(v)),
    "boost": lambda v: boost(v, v.flip(-1)),
    "boost inwards": lambda v: boost(v, torch.tensor([-0.9, 0.2]).to(v) * v),
    "translate by a fixed point": lambda v: translate(torch.tensor([0.3, -0.8]).to(v), v),
    "translate a fixed point": lambda v: translate(in_ball(v), torch.tensor([0.5, 1.5]).to(v)),
    "translate": lambda v: translate(in_ball(v), v.flip(-1)),
}
RADII = [1e-8, 1e-4, 0.01, 0.3, 0.99, 1.01, 3.0, 7.0]

every_function = pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS.keys())


def vectors(dtype):
    directions = torch.tensor([[0.6, 0.8], [-1.0, 0.0], [0.28, -0.96]], dtype=dtype)
    return (torch.tensor(RADII, dtype=dtype)[:, None, None] * directions).flatten(0, 1)


def weighted(function, v):
    """A sum in which no entry counts as much as another."""
    value = function(v)
    return (value * torch.linspace(-1.3, 0.7, value.numel()).to(value).view_as(value)).sum()


@every_function
def test_gradients_near_zero_and_far_out(function):
    # torch.func differentiates the composition, in double precision here.
    expected = torch.func.grad(lambda v: weighted(function, v))(vectors(torch.float32).double())
    for dtype in (torch.float32, torch.float64):
        v = vectors(torch.float32).to(dtype).requires_grad_()
        (found,) = torch.autograd.grad(weighted(function, v), v)
        # Positions close to the boundary of the ball are known to ε e^r / 2 of themselves.
        error = (found - expected).norm(dim=-1) / expected.norm(dim=-1)
        conditioning = 20 + v.detach().norm(dim=-1).mul(2).exp()
        assert float((error / conditioning).max()) < torch.finfo(dtype).eps


@every_function
def test_gradients_are_differentiable_again(function):
    v = vectors(torch.float64)[[3, 10, 14]].requires_grad_()
    assert gradcheck(function, v)
    assert gradgradcheck(function, v)


@every_function
def test_forward_mode_twice_and_items_apart(function):
    v = vectors(torch.float64)[12]
    twice = torch.func.jacfwd(torch.func.jacfwd(function))(v)
    torch.testing.assert_close(twice, torch.func.jacrev(torch.func.jacrev(function))(v))
    together = function(vectors(torch.float64))
    torch.testing.assert_close(torch.vmap(function)(vectors(torch.float64)), together)
    with forward_ad.dual_level():
        dual = function(forward_ad.make_dual(v, torch.ones_like(v)))
        tangent = forward_ad.unpack_dual(dual).tangent
    torch.testing.assert_close(tangent, torch.func.jacfwd(function)(v).sum(-1))


@pytest.mark.parametrize("function", [translate, boost])
def test_inputs_that_depend_on_each_other(function):
    """A gradient that is recorded is the one that is not."""
    x = torch.tensor([[0.3, -0.4]], dtype=torch.float64, requires_grad=True)

    def total():
        return function(x, x * x + 0.2).square().sum()

    (plain,) = torch.autograd.grad(total(), x)
    (recorded,) = torch.autograd.grad(total(), x, create_graph=True)
    assert torch.allclose(plain, recorded, rtol=1e-12)
