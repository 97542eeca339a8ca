"""Decoders that torch.func cannot differentiate still have geodesics."""

import warnings

import pytest
import torch
from torch import nn
from torch.autograd.function import once_differentiable

from geolatent.curvature import christoffel, gaussian
from geolatent.geodesics import connect, distance, exponential
from geolatent.metrics import DensityMetric, FisherRaoMetric, PullbackMetric
from geolatent.networks import Sphere


class Reverse(torch.autograd.Function):
    """sin, with a backward pass and no forward mode."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(ctx, gradient):
        return gradient * ctx.saved_tensors[0].cos()


class OnceOnly(torch.autograd.Function):
    """sin, with a backward pass that cannot be differentiated again."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        return gradient * ctx.saved_tensors[0].cos()


class SphereBy(nn.Module):
    """The sphere with a sine of one's own."""

    def __init__(self, sine):
        super().__init__()
        self.sine = sine

    def forward(self, z):
        sin = self.sine(z)
        cos = self.sine(z + torch.pi / 2)
        latitude, longitude = 0, 1
        return torch.stack(
            [
                cos[:, latitude] * cos[:, longitude],
                cos[:, latitude] * sin[:, longitude],
                sin[:, latitude],
            ],
            1,
        )


class Forward(Reverse):
    """sin, with both modes, but made without torch.func in mind."""

    @staticmethod
    def jvp(ctx, tangent):
        return tangent * ctx.saved_tensors[0].cos()

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        ctx.save_for_forward(x)
        return x.sin()


def _partly_once(x):
    """Half of it through a function that can be differentiated once only."""
    return (OnceOnly.apply(x) + x.sin()) / 2


SINES = {
    "forward": (Forward.apply, "d"),
    "reverse": (Reverse.apply, "2 d"),
    "once": (OnceOnly.apply, "p"),
    "partly once": (_partly_once, "p"),
}


@pytest.mark.parametrize("name", SINES)
def test_slower_ways_say_so_and_agree(name):
    sine, cost = SINES[name]
    decoder = SphereBy(sine)
    start, end = torch.rand(2, 5, 2, dtype=torch.float64)
    metric = PullbackMetric(decoder)
    with pytest.warns(UserWarning, match=f"about {cost} evaluations"):
        jacobian = metric.jacobian(start)
    torch.testing.assert_close(jacobian, PullbackMetric(SphereBy(torch.sin)).jacobian(start))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        path = connect(metric, start, end)
    assert path.converged.all()
    exact = connect(PullbackMetric(SphereBy(torch.sin)), start, end)
    torch.testing.assert_close(path.length, exact.length, rtol=1e-9, atol=0)


ONCE = ["once", "partly once"]


def _sines(sine, layer):
    return lambda z: torch.cat([sine(2 * layer(z)), z], -1)


def _density(decoder):
    return DensityMetric(PullbackMetric(decoder), torch.linspace(-1, 1, 40).view(20, 2).double())


def _information(features):
    """Of two decoded distributions with two curved parameters each."""
    first, second = features.cosh().chunk(2, -1)
    mixed = (first * second).reciprocal() / 2
    rows = [torch.stack([first, mixed], -1), torch.stack([mixed, second], -1)]
    return torch.stack(rows, -2)


def _fisher_rao(decoder):
    return FisherRaoMetric(decoder, _information)


@pytest.fixture
def layer():
    return nn.Linear(2, 2).double()


@pytest.mark.filterwarnings("ignore:the decoder")
@pytest.mark.parametrize(("name", "kind"), [("reverse", _density), ("forward", _fisher_rao)])
def test_metrics_given_by_a_matrix_keep_their_derivatives(name, kind, layer):
    """Everything is as with the sine of torch itself."""
    found, expected = [], []
    start, end = torch.rand(2, 1, 2, dtype=torch.float64)
    for sine, results in ((SINES[name][0], found), (torch.sin, expected)):
        metric = kind(_sines(sine, layer))
        path = connect(metric, start, end, segments=8)
        assert path.converged.all()
        flown = exponential(metric, start, end - start, tolerance=1e-6)
        moved = start.clone().requires_grad_()
        total = distance(metric, moved, end, segments=8).sum()
        gradients = torch.autograd.grad(total, [moved, *layer.parameters()])
        results += [path.length, flown.end, gaussian(metric, start), total.detach(), *gradients]
    torch.testing.assert_close(found, expected, rtol=1e-7, atol=1e-9)


@pytest.mark.filterwarnings("ignore:the decoder")
@pytest.mark.parametrize("kind", [_density, _fisher_rao])
@pytest.mark.parametrize("name", ONCE)
def test_where_there_are_no_second_derivatives_that_is_said(name, kind, layer):
    metric = kind(_sines(SINES[name][0], layer))
    start, end = torch.rand(2, 3, 2, dtype=torch.float64)
    torch.testing.assert_close(metric.matrix(start), kind(_sines(torch.sin, layer)).matrix(start))
    for function in (connect, exponential, lambda metric, z, _: gaussian(metric, z)):
        with pytest.raises(ValueError, match="once only"):
            function(metric, start, end)


@pytest.mark.filterwarnings("ignore:the decoder")
@pytest.mark.parametrize("name", SINES)
def test_nothing_is_tracked_where_nothing_is_asked_for(name, layer):
    codes = torch.rand(3, 2, dtype=torch.float64)
    metric = PullbackMetric(_sines(SINES[name][0], layer))
    assert metric.matrix(codes).requires_grad
    with torch.no_grad():
        assert not metric.matrix(codes.requires_grad_()).requires_grad
    layer.requires_grad_(False)
    assert not metric.matrix(codes.detach()).requires_grad


def test_errors_of_the_decoder_itself_come_through():
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        PullbackMetric(nn.Linear(3, 4)).jacobian(torch.zeros(2, 2))


def test_a_decoder_without_gradients_is_refused():
    sphere = Sphere()
    start, end = torch.rand(2, 5, 2)
    with pytest.raises(ValueError, match="carries no gradient"):
        connect(PullbackMetric(lambda z: sphere(z).detach()), start, end)


@pytest.mark.parametrize(
    "function",
    [
        lambda decoder, z: PullbackMetric(decoder).jacobian(z),
        lambda decoder, z: christoffel(PullbackMetric(decoder), z),
        lambda decoder, z: christoffel(FisherRaoMetric(decoder, torch.diag_embed), z),
        lambda decoder, z: gaussian(PullbackMetric(decoder), z),
    ],
)
def test_a_lack_of_memory_is_not_taken_for_a_lack_of_derivatives(function):
    def hungry(z):
        if torch._C._are_functorch_transforms_active():
            torch.empty(10**15)
        return z.sin()

    with pytest.raises(RuntimeError, match="allocate memory"):
        function(hungry, torch.ones(1, 2))
