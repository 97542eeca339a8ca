"""Against Brownian motion of the plane in other coordinates, and expansions on curved surfaces."""

import math

import pytest
import torch
from torch.distributions import MultivariateNormal

from geolatent.distributions import BrownianMotion
from geolatent.metrics import PullbackMetric


def sheared(z):
    """Of the plane onto itself, far from linear, with determinant e^{x/2}."""
    x, y = z[..., 0], z[..., 1]
    return torch.stack([x, y * (x / 2).exp() + x.square() / 2], dim=-1)


def straight_distance(start, end):
    return torch.linalg.vector_norm(sheared(end) - sheared(start), dim=-1)


@pytest.fixture
def motion():
    loc = torch.tensor([0.3, -0.4], dtype=torch.float64)
    time = torch.tensor(0.5, dtype=torch.float64)
    return BrownianMotion(PullbackMetric(sheared).matrix, straight_distance, loc, time, steps=20)


def in_the_plane(motion):
    covariance = motion.time * torch.eye(2, dtype=torch.float64)
    return MultivariateNormal(sheared(motion.loc), covariance)


def test_density_in_other_coordinates_is_exact(motion):
    z = torch.randn(3, 7, 2, dtype=torch.float64)
    expected = in_the_plane(motion).log_prob(sheared(z)) + z[..., 0] / 2
    torch.testing.assert_close(motion.log_prob(z), expected)


def test_constant_metric_gives_the_normal():
    G = torch.tensor([[2.0, 0.5], [0.5, 1.0]], dtype=torch.float64)
    root = torch.linalg.cholesky(G).mT
    motion = BrownianMotion(
        lambda z: G.expand(len(z), 2, 2),
        lambda start, end: torch.linalg.vector_norm((end - start) @ root.mT, dim=-1),
        torch.ones(2, dtype=torch.float64),
        torch.tensor(0.7, dtype=torch.float64),
    )
    z = torch.randn(5, 2, dtype=torch.float64)
    expected = MultivariateNormal(motion.loc, 0.7 * torch.linalg.inv(G)).log_prob(z)
    torch.testing.assert_close(motion.log_prob(z), expected)


def test_samples_are_normal_in_the_plane(motion):
    """Mean and covariance; without the drift the first is wrong."""
    count = 8_000
    found = sheared(motion.sample((count,)))
    plane = in_the_plane(motion)
    error = (motion.time / count).sqrt()
    # The time step has a bias of its own.
    assert ((found.mean(0) - plane.mean).abs() < 4 * error + 5e-3).all()
    torch.testing.assert_close(found.mT.cov(), plane.covariance_matrix, atol=0.03, rtol=0)
    assert motion.sample((2, 3)).shape == (2, 3, 2)


def test_integral_on_a_sphere_is_that_of_the_expansion():
    """1 − t S / 6 with S = 2, in geodesic polar coordinates around the start."""
    radius = torch.linspace(1e-6, math.pi - 1e-6, 4001, dtype=torch.float64)
    for t in (0.02, 0.08):
        motion = BrownianMotion(
            # Normal coordinates along one axis: G = diag(1, sin² r / r²).
            lambda z: torch.diag_embed(
                torch.stack([torch.ones(len(z)).double(), (z[:, 0].sin() / z[:, 0]).square()], -1)
            ),
            lambda start, end: torch.linalg.vector_norm(end - start, dim=-1),
            torch.zeros(2, dtype=torch.float64),
            torch.tensor(t, dtype=torch.float64),
        )
        z = torch.stack([radius, 0 * radius], dim=-1)
        density = motion.log_prob(z).exp() * 2 * math.pi * radius
        assert float(torch.trapezoid(density, radius)) == pytest.approx(1 - t / 3, abs=t**2)


def test_gradients_in_start_and_time():
    z = torch.randn(4, 2, dtype=torch.float64)
    loc = torch.randn(2, dtype=torch.float64, requires_grad=True)
    time = torch.tensor(0.6, dtype=torch.float64, requires_grad=True)
    matrix = PullbackMetric(sheared).matrix

    def density(loc, time):
        return BrownianMotion(matrix, straight_distance, loc, time).log_prob(z)

    assert torch.autograd.gradcheck(density, (loc, time))


def test_refuses_samples_without_steps():
    with pytest.raises(ValueError, match="at least one step"):
        BrownianMotion(lambda z: z, lambda a, b: a, torch.zeros(2), torch.tensor(1.0), steps=0)
