"""What is measured must not depend on units, however extreme, nor memory on how much there is."""

import warnings

import pytest
import torch
from torch import nn

from geolatent.geodesics import connect, measure
from geolatent.metrics import Metric, PullbackMetric
from geolatent.metrics.raised_index import regular
from geolatent.networks import MLP
from geolatent.numerics.held_numbers import HELD_AT_ONCE


@pytest.fixture
def bent():
    decoder = MLP(2, 30, hidden=(32, 32)).requires_grad_(False)
    for weight in decoder.parameters():
        weight *= 2
    return decoder


@pytest.mark.parametrize("exponent", [-73, -50, -20, 20, 35, 60])
@pytest.mark.parametrize("unit", [(1.0, 1.0), (2.0**-30, 2.0**-30), (2.0**17, 2.0**-17)])
def test_powers_of_two_change_nothing_but_the_exponents(bent, exponent, unit):
    start, end = torch.randn(2, 6, 2)
    scale, unit = 2.0**exponent, torch.tensor(unit)
    plain = connect(PullbackMetric(bent), start, end)
    scaled = connect(PullbackMetric(lambda z: scale * bent(z / unit)), unit * start, unit * end)
    assert scaled.converged.all()
    torch.testing.assert_close(scaled.length / scale, plain.length, rtol=1e-5, atol=0)
    torch.testing.assert_close(scaled.straight_excess, plain.straight_excess, rtol=0, atol=1e-5)
    torch.testing.assert_close(scaled.points / unit, plain.points, rtol=1e-2, atol=1e-2)
    measured = measure(PullbackMetric(lambda z: scale * bent(z / unit)), scaled.points)
    torch.testing.assert_close(measured.length, scaled.length, rtol=1e-5, atol=0)


class HalfPlane(Metric):
    """The hyperbolic half-plane, in other units."""

    def __init__(self, scale=1.0, unit=1.0):
        self.scale, self.unit = scale, unit

    def matrix(self, z):
        return (self.scale / z[..., 1])[..., None, None] ** 2 * torch.eye(2).to(z)


@pytest.mark.parametrize("scale", [1e-15, 1e9, 1e15])
def test_metrics_given_by_matrices_have_units_too(scale):
    start, end = torch.tensor([[0.0, 1.0]]), torch.tensor([[2.0, 1.5]])
    exact = torch.acosh(1 + ((end - start).square().sum() / (2 * 1.0 * 1.5)))
    path = connect(HalfPlane(scale), start, end)
    assert path.converged.all()
    assert float(path.length / scale) == pytest.approx(float(exact), rel=1e-4)


def test_a_curve_that_rounding_makes_longer_keeps_its_constant_speed():
    """All curves of one dimension have the same image, so that none is shorter than another."""
    metric = PullbackMetric(lambda z: torch.cat([z**3 + 0.1 * z, (2 * z).sin()], -1))
    path = connect(
        metric, torch.tensor([[-1.0], [-0.5], [0.1]]), torch.tensor([[1.2], [0.9], [2.0]])
    )
    assert path.converged.all()
    assert (path.speed_variation < 1e-2).all()
    assert (path.straight_length >= path.length).all()


def test_lengths_know_that_codes_far_from_zero_round(bent):
    start, end = torch.randn(2, 12, 2)
    for offset in (1e3, 1e4, 1e5):
        ends = start + offset, end + offset
        path = connect(PullbackMetric(lambda z, by=offset: bent(z - by)), *ends)
        exact = connect(PullbackMetric(bent), *(z - offset for z in ends))
        known = (path.length - exact.length).abs() <= path.length_error + exact.length_error
        # A geodesic that cannot be placed is longer by little beside what its codes round by.
        assert known.all()


def test_rank_is_looked_at_all_along_a_curve():
    dead_for_a_while = PullbackMetric(lambda z: torch.stack([z[..., 0].relu(), z[..., 1]], -1))
    with pytest.warns(
        UserWarning, match="rank-deficient along 1 of 2 curves, the first is curve 1"
    ):
        connect(
            dead_for_a_while,
            torch.tensor([[1.0, 0.0], [-1.0, 0.0]]),
            torch.tensor([[3.0, 0.5]] * 2),
        )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        huge = PullbackMetric(lambda z: 1e25 * torch.cat([z, z.square()], -1))
        connect(huge, torch.zeros(1, 2), torch.ones(1, 2))


def test_what_looks_at_many_codes_keeps_to_the_memory_of_few():
    most = 0

    class Wide(nn.Module):
        def forward(self, z):
            nonlocal most
            most = max(most, len(z))
            return (z @ torch.ones(2, 2**16)).tanh()[..., :3]

    assert regular(PullbackMetric(Wide()), torch.randn(300, 2)).shape == (300,)
    assert 1 <= most <= HELD_AT_ONCE // 2**16
