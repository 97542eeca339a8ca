"""What decoders hold in memory."""

import pytest
import torch
from torch import nn

from geolatent.geodesics import connect
from geolatent.metrics import Metric, PullbackMetric
from geolatent.numerics.held_numbers import HELD_AT_ONCE, held_numbers


def test_layers_are_counted_and_weights_are_not():
    decoder = nn.Sequential(nn.Linear(3, 50), nn.Tanh(), nn.Linear(50, 7)).requires_grad_(False)
    held = held_numbers(decoder, torch.zeros(3))
    assert held == (7, 7 + 50, 50)
    # With weights that are trained, what their gradients need waits too: inputs of both layers.
    assert held_numbers(decoder.requires_grad_(), torch.zeros(3)).graph == 7 + 50 + 3 + 50


def test_without_a_graph_only_the_output_is_held():
    assert held_numbers(lambda z: z.detach().repeat(1, 4), torch.zeros(2)) == (8, 8, 8)


class Wide(nn.Module):
    """Two numbers in and three out, many between; notes how many codes it gets at once."""

    def __init__(self, width):
        super().__init__()
        self.grow, self.shrink = nn.Linear(2, width), nn.Linear(width, 3)
        self.most = 0

    def forward(self, z):
        self.most = max(self.most, len(z))
        return self.shrink(self.grow(z).tanh())


class FromWide(Metric):
    def __init__(self, decoder):
        self.decoder = decoder

    def matrix(self, z):
        root = self.decoder(z.reshape(-1, 2)).reshape(*z.shape[:-1], 3)
        return torch.eye(2) * (1 + root.square().sum(-1)[..., None, None])


@pytest.mark.parametrize("kind", [PullbackMetric, FromWide])
def test_calls_stay_within_the_budget(kind):
    """No call gets more codes than the budget has room for, however few numbers come out."""
    width = 2**16
    decoder = Wide(width).eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(0)
    start, end = torch.randn(2, 12, 2, generator=generator)
    path = connect(kind(decoder), start, end, segments=8, max_iterations=2)
    assert path.length.isfinite().all()
    one_curve = 129  # points of a curve when it is measured
    assert decoder.most <= max(one_curve, HELD_AT_ONCE // width)
    assert decoder.most < 12 * 17  # and the curves were not all pushed together


def test_metrics_by_reverse_mode_functions_are_solved_all_the_same():
    """torch.func's reverse mode does not let its graph be watched."""
    net = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 5)).requires_grad_(False).eval()
    jacobian = torch.func.vmap(torch.func.jacrev(net))

    class Reverse(Metric):
        def matrix(self, z):
            j = jacobian(z.reshape(-1, 2))
            return (j.mT @ j).reshape(*z.shape, 2)

    start, end = torch.randn(2, 3, 2, generator=torch.Generator().manual_seed(0))
    ours = connect(Reverse(), start, end).length
    assert torch.allclose(ours, connect(PullbackMetric(net), start, end).length, rtol=1e-3)
