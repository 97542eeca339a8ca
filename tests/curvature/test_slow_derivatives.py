"""Decoders that forward mode cannot differentiate twice still have curvature."""

import warnings

import pytest
import torch
from torch import nn

from geolatent import curvature
from geolatent.metrics import FisherRaoMetric, PullbackMetric

FUNCTIONS = {
    "christoffel": curvature.christoffel,
    "riemann": curvature.riemann,
    "scalar": curvature.scalar,
    "sectional": lambda metric, z: curvature.sectional(metric, z, z, z.flip(1)),
}


class Swish(nn.Module):
    """SiLU of functions that have all derivatives."""

    def forward(self, x):
        return x / (1 + (-x).exp())


class Backward(torch.autograd.Function):
    """sin, with a backward pass that can be differentiated again and no forward mode."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(ctx, gradient):
        return gradient * ctx.saved_tensors[0].cos()


@pytest.fixture
def layers():
    return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 6)).double()


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
@pytest.mark.filterwarnings("ignore:the decoder cannot be differentiated by torch.func")
def test_agrees_with_forward_mode(function, layers):
    z = torch.randn(4, 3, dtype=torch.float64)
    with pytest.warns(UserWarning, match="no second derivatives in forward mode"):
        found = function(PullbackMetric(lambda z: Backward.apply(layers(z))), z)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected = function(PullbackMetric(lambda z: layers(z).sin()), z)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
@pytest.mark.filterwarnings("ignore:the decoder")
@pytest.mark.filterwarnings("ignore:There is a performance drop")  # torch, of Mish
@pytest.mark.parametrize("activation", [nn.SiLU, nn.Hardswish, nn.Mish, nn.CELU, nn.GELU])
def test_every_usual_activation_has_curvature(function, activation, layers):
    z = torch.randn(2, 3, dtype=torch.float64)
    metric = PullbackMetric(nn.Sequential(*layers[:1], activation(), layers[2]))
    found = function(metric, z)
    assert found.isfinite().all()
    if activation is nn.SiLU:
        smooth = PullbackMetric(nn.Sequential(*layers[:1], Swish(), layers[2]))
        torch.testing.assert_close(found, function(smooth, z), rtol=1e-9, atol=1e-9)


@pytest.mark.filterwarnings("ignore:the decoder")
@pytest.mark.parametrize("function", [curvature.christoffel, curvature.riemann])
def test_matrix_metrics_too(function, layers):
    def metric(activation):
        decoder = nn.Sequential(*layers[:1], activation, layers[2])
        return FisherRaoMetric(decoder, lambda h: h.exp()[..., None, None])

    z = torch.randn(2, 3, dtype=torch.float64)
    found, expected = (function(metric(a), z) for a in (nn.SiLU(), Swish()))
    torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-8)
