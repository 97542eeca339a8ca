"""Christoffel symbols against closed forms, finite differences and the other route."""

import pytest
import torch

from geolatent.curvature import christoffel
from geolatent.metrics import EuclideanMetric, PullbackMetric
from geolatent.metrics.connection import connection_along
from geolatent.networks import MLP, Torus


@pytest.mark.parametrize("immersed", [True, False])
def test_torus(by_matrix, immersed):
    z = 6 * torch.rand(4, 5, 2, dtype=torch.float64)
    metric = PullbackMetric(Torus())
    found = christoffel(metric if immersed else by_matrix(metric), z)
    ring, sine = 2 + z[..., 0].cos(), z[..., 0].sin()
    expected = torch.zeros(4, 5, 2, 2, 2, dtype=torch.float64)
    expected[..., 0, 1, 1] = ring * sine
    expected[..., 1, 0, 1] = expected[..., 1, 1, 0] = -sine / ring
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("immersed", [True, False])
@pytest.mark.parametrize("size", [1, 2, 5])
def test_is_that_of_central_differences(by_matrix, size, immersed):
    metric = PullbackMetric(MLP(size, 20, hidden=(16, 16)).double().requires_grad_(False))
    z = torch.randn(3, size, dtype=torch.float64)
    shifts = 1e-5 * torch.eye(size, dtype=torch.float64)
    gradient = torch.stack(
        [(metric.matrix(z + e) - metric.matrix(z - e)) / 2e-5 for e in shifts], -1
    )  # [b, i, j, k]
    lowered = gradient.permute(0, 2, 3, 1) + gradient.permute(0, 2, 1, 3)
    lowered = (lowered - gradient.permute(0, 3, 1, 2)) / 2
    expected = torch.einsum("bkl,blij->bkij", torch.linalg.inv(metric.matrix(z)), lowered)
    found = christoffel(metric if immersed else by_matrix(metric), z)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-8)
    assert torch.equal(found, found.mT)


def test_contracts_to_the_connection_along_a_vector():
    metric = PullbackMetric(MLP(3, 9, hidden=(8,)).double().requires_grad_(False))
    z, u = torch.randn(2, 4, 3, dtype=torch.float64)
    expected = torch.einsum("bkij,bi->bkj", christoffel(metric, z), u)
    torch.testing.assert_close(connection_along(metric, z, u)[0], expected)


def test_singular_codes_are_nan_and_the_others_are_not():
    metric = PullbackMetric(lambda z: torch.stack([z[..., 0], z[..., 1].square()], -1))
    found = christoffel(metric, torch.tensor([[0.0, 0.0], [0.0, 2.0]]))
    assert found[0].isnan().all()
    assert found[1, 1, 1, 1].item() == pytest.approx(0.5)


@pytest.mark.parametrize("metric", [PullbackMetric(Torus()), EuclideanMetric()])
@pytest.mark.parametrize("batch", [(), (0,), (2, 0)])
def test_any_batch(metric, batch):
    assert christoffel(metric, torch.zeros(*batch, 2)).shape == (*batch, 2, 2, 2)
