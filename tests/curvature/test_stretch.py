"""Volume, magnification, condition and indicatrices."""

import math

import pytest
import torch
from torch import nn

from geolatent.curvature import (
    condition_number,
    indicatrix,
    log10_magnification,
    principal_stretches,
    volume_element,
)
from geolatent.manifolds import Lorentz
from geolatent.metrics import EuclideanMetric, ManifoldMetric, PullbackMetric
from geolatent.networks import MLP, Sphere, Torus


@pytest.mark.parametrize("immersed", [True, False])
def test_torus(by_matrix, immersed):
    metric = PullbackMetric(Torus())
    metric = metric if immersed else by_matrix(metric)
    z = 6 * torch.rand(3, 4, 2, dtype=torch.float64)
    ring = 2 + z[..., 0].cos()
    torch.testing.assert_close(volume_element(metric, z), ring)
    torch.testing.assert_close(condition_number(metric, z), ring.square())
    torch.testing.assert_close(log10_magnification(metric, z), ring.log10())
    torch.testing.assert_close(principal_stretches(metric, z)[..., 0], ring)


def test_area_of_the_torus():
    u = torch.arange(64, dtype=torch.float64) * (2 * math.pi / 64)
    z = torch.cartesian_prod(u, u)
    area = volume_element(PullbackMetric(Torus()), z).mean() * (2 * math.pi) ** 2
    assert area.item() == pytest.approx(8 * math.pi**2, rel=1e-12)


def test_volume_is_the_root_of_the_determinant():
    metric = PullbackMetric(MLP(5, 30).double().requires_grad_(False))
    z = torch.randn(6, 5, dtype=torch.float64)
    expected = metric.matrix(z).det().sqrt()
    torch.testing.assert_close(volume_element(metric, z), expected, rtol=1e-10, atol=0)


def test_small_stretches_of_an_immersion_keep_their_digits():
    """Of G = diag(1, 1e-20) the second root would be lost to rounding."""
    linear = nn.Linear(2, 3, bias=False).double().requires_grad_(False)
    linear.weight.copy_(torch.tensor([[1.0, 1.0], [1.0, 1.0], [0.0, 1e-10]]))
    found = principal_stretches(PullbackMetric(linear), torch.zeros(1, 2).double())[0]
    torch.testing.assert_close(found.prod().item(), math.sqrt(2) * 1e-10, rtol=1e-5, atol=0)


def test_magnification_relative_to_a_reference_does_not_depend_on_coordinates():
    reference = ManifoldMetric(Lorentz(2))
    z = torch.randn(5, 2, dtype=torch.float64)
    factor = (z.norm(dim=1).sinh() / z.norm(dim=1)).log10()
    torch.testing.assert_close(log10_magnification(reference, z), factor)
    assert log10_magnification(reference, z, reference=reference).abs().max() < 1e-12
    flat = log10_magnification(EuclideanMetric(), z, reference=reference)
    torch.testing.assert_close(flat, -factor)


def test_rank_deficient_and_nan_codes():
    def decoder(z):
        flat = torch.stack([z[..., 0], 0 * z[..., 1]], -1)
        return torch.where(z[..., :1] > 5, math.nan * z, flat)

    z = torch.tensor([[0.0, 0.0], [9.0, 0.0]])
    for metric in (PullbackMetric(decoder), PullbackMetric(lambda z: decoder(z)[..., :1])):
        assert volume_element(metric, z)[0] == 0
        assert log10_magnification(metric, z)[0] == -math.inf
        assert condition_number(metric, z)[0] == math.inf
        for measure in (volume_element, log10_magnification, condition_number):
            assert measure(metric, z)[1].isnan()
        assert indicatrix(metric, z).isnan().all()


class TestIndicatrix:
    def test_has_unit_length_everywhere(self):
        metric = PullbackMetric(MLP(2, 10).double().requires_grad_(False))
        z = torch.randn(2, 3, 2, dtype=torch.float64)
        steps = indicatrix(metric, z, count=16)
        assert steps.shape == (2, 3, 16, 2)
        lengths = torch.einsum("...ci,...ij,...cj->...c", steps, metric.matrix(z), steps)
        torch.testing.assert_close(lengths, torch.ones_like(lengths))

    def test_area_is_pi_over_the_volume_element(self):
        metric, z = PullbackMetric(Sphere()), torch.tensor([[1.0, 0.0]], dtype=torch.float64)
        x, y = indicatrix(metric, z, count=2000)[0].unbind(-1)
        area = (x * y.roll(-1) - y * x.roll(-1)).sum() / 2
        torch.testing.assert_close(area, math.pi / volume_element(metric, z)[0], rtol=1e-5, atol=0)

    @pytest.mark.usefixtures("as_in_production")
    def test_refuses_what_it_cannot_draw(self):
        with pytest.raises(ValueError, match="have 3"):
            indicatrix(EuclideanMetric(), torch.zeros(1, 3))
        with pytest.raises(ValueError, match="got 2"):
            indicatrix(EuclideanMetric(), torch.zeros(1, 2), count=2)


@pytest.mark.parametrize("batch", [(), (0,), (2, 0)])
def test_any_batch(batch):
    metric, z = PullbackMetric(Sphere()), torch.zeros(*batch, 2)
    assert volume_element(metric, z).shape == batch
    assert condition_number(metric, z).shape == batch
    assert indicatrix(metric, z, count=5).shape == (*batch, 5, 2)
