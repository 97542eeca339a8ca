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
    z = torch.randn(2, 3, 2, dtype=torch.float64)
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


def on_the_sphere(z):
    """Inverse stereographic projection: all of the unit sphere but one point."""
    square = z.square().sum(-1, keepdim=True)
    return torch.cat([2 * z, square - 1], dim=-1) / (1 + square)


def great_circle(start, end):
    chord = torch.linalg.vector_norm(on_the_sphere(end) - on_the_sphere(start), dim=-1)
    return 2 * (chord / 2).clamp_max(1).asin()


def motion_on_the_sphere(loc, time, **options):
    loc, time = (torch.tensor(value, dtype=torch.float64) for value in (loc, time))
    matrix = PullbackMetric(on_the_sphere).matrix
    return BrownianMotion(matrix, great_circle, loc, time, **options)


@pytest.mark.parametrize("loc", [[0.0, 0.0], [0.9, -0.5]])
@pytest.mark.parametrize("time", [0.02, 0.08])
def test_density_on_a_sphere_integrates_to_what_the_expansion_says(loc, time):
    """1 − t S / 6 with S = 2, from wherever it starts; the plane of codes as a square."""
    motion = motion_on_the_sphere(loc, time)
    # Half the sphere is within one of the origin: eight is far beyond the mass from here.
    nodes = torch.linspace(-8, 8, 801, dtype=torch.float64)
    plane = torch.cartesian_prod(nodes, nodes)
    density = motion.log_prob(plane).exp()
    integral = float(density.sum()) * float(nodes[1] - nodes[0]) ** 2
    assert integral == pytest.approx(1 - time / 3, abs=time**2 / 2)
    # Around the start: the mean of cos d is e^(-t) for Brownian motion itself.
    cosine = on_the_sphere(plane) @ on_the_sphere(motion.loc)
    mean = float((density * cosine).sum() / density.sum())
    assert mean == pytest.approx(math.exp(-time), abs=time**2 / 2)


def test_samples_on_a_sphere_are_those_of_brownian_motion():
    """On the sphere E[x_t] = e^(-t) x_0, and E[(x_t · x_0)²] = (1 + 2 e^(-3t)) / 3."""
    time, count = 0.3, 5_000
    motion = motion_on_the_sphere([0.9, -0.5], time, steps=32)
    found, start = on_the_sphere(motion.sample((count,))), on_the_sphere(motion.loc)
    error = 4 * math.sqrt(time / count) + 5e-3  # of the mean, and of the steps
    torch.testing.assert_close(found.mean(0), math.exp(-time) * start, atol=error, rtol=0)
    square = float((found @ start).square().mean())
    assert square == pytest.approx((1 + 2 * math.exp(-3 * time)) / 3, abs=error)


def test_drift_where_the_volume_overflows():
    """G = e^(80 (1 + x)) I of three dimensions in float32, whose √det is e^120 at the start."""
    time, count = 1e30, 40_000
    motion = BrownianMotion(
        lambda z: (80 * (1 + z[:, :1, None])).exp() * torch.eye(3),
        lambda start, end: torch.linalg.vector_norm(end - start, dim=-1),
        torch.zeros(3),
        torch.tensor(time),
        steps=1,
    )
    scale = time * math.exp(-80)
    # ½ (−80 + 3/2 · 80) along x.
    expected = torch.tensor([20 * scale, 0.0, 0.0])
    error = 4 * math.sqrt(scale / count)
    torch.testing.assert_close(motion.sample((count,)).mean(0), expected, atol=error, rtol=0)
    assert expected[0] > 2 * error


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
