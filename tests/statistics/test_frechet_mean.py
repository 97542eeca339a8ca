"""Fréchet means against closed forms and independent iterations."""

from dataclasses import replace
from importlib import import_module

import geoopt
import numpy as np
import pytest
import torch
from torch import nn

from geolatent.geodesics import connect, logarithm, measure
from geolatent.manifolds import Euclidean, Lorentz, PoincareBall, Product
from geolatent.manifolds import Sphere as SphereManifold
from geolatent.metrics import EuclideanMetric, ManifoldMetric, Metric, PullbackMetric
from geolatent.networks import MLP, HyperbolicPatch, Sphere, SwissRoll
from geolatent.statistics import frechet_mean

DTYPES = [torch.float32, torch.float64]


class MatrixOnly(Metric):
    """The same metric with its immersion hidden."""

    def __init__(self, metric):
        self._metric = metric

    def matrix(self, z):
        return self._metric.matrix(z)


def _unrolled(z):
    t, y = z.double().unbind(-1)
    return torch.stack([(t * (1 + t * t).sqrt() + torch.asinh(t)) / 2, y], -1)


def _on_roll(count, dtype):
    return torch.tensor([4.0, 0.0], dtype=dtype) + 8 * torch.rand(count, 2, dtype=dtype)


def _spherical_mean(x, weights=None):
    """In space: projected mean, then exp-log steps with their closed forms."""
    weights = torch.ones(len(x), dtype=x.dtype) if weights is None else weights
    weights = (weights / weights.sum())[:, None]
    mean = nn.functional.normalize((weights * x).sum(0), dim=0)
    for _ in range(300):
        cosine = (x @ mean)[:, None]
        angle = cosine.clamp(-1, 1).acos()
        v = (weights * angle / angle.sin() * (x - cosine * mean)).sum(0)
        mean = mean * v.norm().cos() + v * torch.sinc(v.norm() / torch.pi)
    return mean


@pytest.mark.parametrize("dtype", DTYPES)
def test_flat_mean_is_the_arithmetic_mean(dtype):
    points, weights = torch.randn(30, 3, dtype=dtype), torch.rand(30, dtype=dtype)
    found = frechet_mean(EuclideanMetric(), points, weights=weights)
    assert torch.equal(found.point, found.flat_point)
    exact = (weights[:, None] * points).sum(0) / weights.sum()
    torch.testing.assert_close(found.point[0], exact)
    assert found.displacement == 0
    assert found.converged.all()


def test_affine_decoders_are_flat():
    decoder = nn.Linear(3, 20, dtype=torch.float64).requires_grad_(False)
    points = torch.randn(25, 3, dtype=torch.float64)
    found = frechet_mean(PullbackMetric(decoder), points)
    torch.testing.assert_close(found.point[0], points.mean(0), atol=1e-7, rtol=0)
    assert found.displacement_in_errors < 1e-6
    assert found.converged.all()
    spread = (decoder(points) - decoder(points).mean(0)).square().sum(1).mean()
    torch.testing.assert_close(found.variance[0], spread, rtol=1e-9, atol=0)
    assert "0 standard errors" in str(found) or "e-" in str(found)


# The discrete curves are those of `connect`: the mean is off by what they are.
@pytest.mark.parametrize(("dtype", "error"), [(torch.float32, 1e-4), (torch.float64, 5e-6)])
def test_mean_on_the_sphere(dtype, error):
    points = torch.tensor([0.4, 0.3], dtype=dtype) + 0.3 * torch.randn(30, 2, dtype=dtype)
    weights = torch.rand(30, dtype=dtype)
    found = frechet_mean(PullbackMetric(Sphere()), points, weights=weights, starts=3)
    x = Sphere()(points.double())
    exact = _spherical_mean(x, weights.double())
    assert (Sphere()(found.point[0].double()) - exact).norm() < error
    squares = (x @ exact).acos().square() * weights / weights.sum()
    assert float(found.variance) == pytest.approx(float(squares.sum()), rel=1e-5)
    assert found.converged.all()
    assert found.residual < 10 * error
    assert found.spread_of_minima < 10 * error
    assert found.displacement > 20 * error


@pytest.mark.parametrize(("dtype", "error"), [(torch.float32, 1e-2), (torch.float64, 1e-3)])
def test_mean_on_the_swiss_roll_is_that_of_unrolled_coordinates(dtype, error):
    points = _on_roll(60, dtype)
    found = frechet_mean(PullbackMetric(SwissRoll()), points)
    exact = _unrolled(points).mean(0)
    assert (_unrolled(found.point[0]) - exact).norm() < error  # of a spread of 17
    assert found.converged.all()
    spread = (_unrolled(points) - exact).square().sum(1).mean()
    assert float(found.variance) == pytest.approx(float(spread), rel=1e-5)
    flat = _unrolled(points.mean(0, keepdim=True))[0]
    assert float(found.displacement) == pytest.approx(float((flat - exact).norm()), rel=1e-2)


def test_mean_in_the_hyperbolic_plane_is_stationary_and_that_of_geoopt():
    points = torch.randn(20, 2, dtype=torch.float64)
    found = frechet_mean(ManifoldMetric(Lorentz(2)), points, starts=2)
    assert found.converged.all()
    assert found.spread_of_minima < 1e-6
    # exp_0 of geoopt's ball has |v|_0 = 2 |v|: a code is twice its tangent coordinates there.
    ball = geoopt.PoincareBall()
    x = ball.expmap0(points / 2)
    mean = geoopt.ManifoldParameter(ball.expmap0(found.flat_point[0] / 2), manifold=ball)
    descent = geoopt.optim.RiemannianSGD([mean], lr=0.3)
    for _ in range(60):
        descent.zero_grad()
        (ball.dist2(mean, x).mean() / 2).backward()
        descent.step()
    torch.testing.assert_close(found.point[0], 2 * ball.logmap0(mean.detach()), atol=1e-6, rtol=0)


def test_solver_agrees_with_the_closed_form_on_the_tractricoid():
    points = torch.tensor([1.0, 0.0], dtype=torch.float64) + torch.rand(25, 2, dtype=torch.float64)
    surface = HyperbolicPatch()
    found = frechet_mean(PullbackMetric(surface), points)
    m = found.point.clone().requires_grad_()
    for _ in range(200):
        (slope,) = torch.autograd.grad(
            surface.distance(m.expand_as(points), points).square().mean() / 2, m
        )
        m = (m - 0.5 * slope).detach().requires_grad_()
    torch.testing.assert_close(found.point, m.detach(), atol=1e-5, rtol=0)


def test_mean_in_a_product_is_that_of_the_factors():
    points = 0.5 * torch.randn(10, 4, dtype=torch.float64)
    product = ManifoldMetric(Product([Lorentz(2), Euclidean(2)]))
    found = frechet_mean(product, points)
    hyperbolic = frechet_mean(ManifoldMetric(PoincareBall(2)), points[:, :2])
    torch.testing.assert_close(found.point[0, :2], hyperbolic.point[0], atol=1e-6, rtol=0)
    torch.testing.assert_close(found.point[0, 2:], points[:, 2:].mean(0))


def test_mean_of_log_maps_vanishes():
    decoder = MLP(2, 6, hidden=(8,)).double().requires_grad_(False)
    points = torch.randn(4, 2, dtype=torch.float64)
    metric = PullbackMetric(decoder)
    found = frechet_mean(metric, points)
    logs = logarithm(metric, found.point.expand_as(points), points, path=found.paths)
    assert logs.converged.all()
    mean = logs.velocity.mean(0)
    norm = (mean @ metric.matrix(found.point[0]) @ mean).sqrt() / found.variance[0].sqrt()
    assert norm < 1e-4
    assert found.residual < 1e-4
    hidden = frechet_mean(MatrixOnly(metric), points, segments=16)
    torch.testing.assert_close(hidden.point, found.point, atol=1e-3, rtol=0)


def test_groups_are_means_of_their_own():
    decoder = MLP(2, 12, hidden=(16, 16)).double().requires_grad_(False)
    metric = PullbackMetric(decoder)
    points, group = torch.randn(30, 2, dtype=torch.float64), torch.arange(30) % 3
    together = frechet_mean(metric, points, groups=group, starts=2, segments=16)
    for index in range(3):
        alone = frechet_mean(metric, points[group == index], starts=2, segments=16)
        torch.testing.assert_close(together.point[index], alone.point[0], atol=1e-6, rtol=0)
        torch.testing.assert_close(together.variance[index], alone.variance[0])


def test_codes_without_weight_do_not_count():
    metric = PullbackMetric(Sphere())
    points = 0.5 * torch.randn(12, 2, dtype=torch.float64)
    weights = torch.ones(12, dtype=torch.float64)
    weights[8:] = 0
    found = frechet_mean(metric, points, weights=weights)
    alone = frechet_mean(metric, points[:8])
    torch.testing.assert_close(found.point, alone.point)
    assert float(found.effective_size) == pytest.approx(8)
    exact = Sphere().distance(found.point.expand_as(points), points)
    torch.testing.assert_close(found.paths.length, exact, atol=1e-7, rtol=1e-7)


def test_several_means_are_told():
    """Two clusters at opposite sides of a circle: the mean may lie on either side between."""
    ring = PullbackMetric(lambda z: torch.cat([z.cos(), z.sin()], -1))
    points = torch.tensor([[0.0], [0.1], [3.0], [3.1]], dtype=torch.float64)
    assert frechet_mean(ring, points, starts=3).spread_of_minima < 1e-5  # one chart: one mean
    sphere = ManifoldMetric(SphereManifold(2))
    angle = 2 * torch.pi * torch.arange(6, dtype=torch.float64) / 6
    around = 1.4 * torch.stack([angle.cos(), angle.sin()], 1)
    assert frechet_mean(sphere, 2 * around, starts=4, max_iterations=40).spread_of_minima > 0.1


@pytest.mark.parametrize("count", [1, 3, 12])
def test_equal_codes_are_their_mean(count):
    point = torch.tensor([[0.3, -0.2]])
    found = frechet_mean(PullbackMetric(Sphere()), point.repeat(count, 1))
    torch.testing.assert_close(found.point, point)
    assert found.converged.all()
    assert found.variance < 1e-12
    assert found.displacement_in_spreads == 0  # what rounding makes of it is no distance


@pytest.mark.usefixtures("as_in_production")  # the blocks there are 1 × 1, not d × d as annotated
def test_beyond_sixty_four_dimensions():
    decoder = nn.Sequential(nn.Linear(70, 90), nn.Tanh(), nn.Linear(90, 80)).double()
    points = torch.randn(4, 70, dtype=torch.float64)
    metric = PullbackMetric(decoder.requires_grad_(False))
    found = frechet_mean(metric, points, segments=4, tolerance=1e-5)
    assert found.converged.all()
    assert found.residual < 2e-2


def test_what_cannot_be_measured_is_told_for_its_group_alone():
    def decoder(z):
        return torch.where(z[:, :1] > 2, torch.nan, z)

    points = torch.tensor([[0.0, 0.0], [1.0, 1.0], [3.0, 0.0], [0.0, 1.0]])
    found = frechet_mean(PullbackMetric(decoder), points, groups=torch.tensor([0, 0, 1, 1]))
    assert found.converged.tolist() == [True, False]
    torch.testing.assert_close(found.point[0], torch.tensor([0.5, 0.5]))
    assert found.variance[1].isnan()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points": torch.zeros(0, 2)}, "at least one"),
        ({"points": torch.tensor([[torch.nan, 0.0]])}, "not finite"),
        ({"points": torch.zeros(3)}, "shape"),
        ({"points": torch.zeros(3, 2, dtype=torch.long)}, "floating"),
        ({"weights": torch.tensor([1.0, -1.0, 1.0])}, "not negative"),
        ({"weights": torch.zeros(3)}, "positive weight"),
        ({"weights": torch.ones(2)}, "one for each"),
        (
            {"weights": torch.tensor([1.0, 1.0, 0.0]), "groups": torch.tensor([0, 0, 7])},
            "group 7 has no codes",
        ),
        ({"groups": torch.tensor([0.0, 0.0, 1.0])}, "whole numbers"),
        ({"starts": 0}, "starts"),
        ({"tolerance": -1.0}, "tolerance"),
    ],
)
@pytest.mark.usefixtures("as_in_production")
def test_mistakes(change, message):
    arguments = {"points": torch.randn(3, 2)} | change
    with pytest.raises(ValueError, match=message):
        frechet_mean(PullbackMetric(Sphere()), **arguments)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points": torch.zeros(3, 2).numpy()}, "points must be a tensor, got ndarray"),
        ({"points": [[0.0, 1.0]]}, "points must be a tensor, got list"),
        ({"weights": [1.0, 1.0, 1.0]}, r"list: torch.as_tensor\(weights\)"),
        ({"groups": torch.arange(3).numpy()}, r"ndarray: torch.as_tensor\(groups\)"),
        ({"groups": ["a"] * 3}, "numpy.unique"),
        ({"groups": np.array(["a"] * 3)}, "numpy.unique"),
    ],
)
@pytest.mark.usefixtures("as_in_production")
def test_what_is_no_tensor_is_told_how_to_become_one(change, message):
    arguments = {"points": torch.randn(3, 2)} | change
    with pytest.raises(TypeError, match=message):
        frechet_mean(PullbackMetric(Sphere()), **arguments)


def test_codes_of_another_width_than_the_decoders_are_refused():
    with pytest.raises(ValueError, match="points"):
        frechet_mean(PullbackMetric(MLP(2, 5, hidden=(4,))), torch.randn(3, 4))


def test_groups_may_have_any_numbers():
    points, groups = torch.randn(6, 2), torch.tensor([7, -3, 7, 7, -3, 7])
    found = frechet_mean(EuclideanMetric(), points, groups=groups)
    assert found.labels.tolist() == [-3, 7]
    assert found.group.tolist() == [1, 0, 1, 1, 0, 1]
    for index, label in enumerate([-3, 7]):
        torch.testing.assert_close(found.point[index], points[groups == label].mean(0))
    assert str(found).startswith("mean -3: ")


def test_standard_error_is_that_of_an_arithmetic_mean():
    points = torch.randn(5, 3, dtype=torch.float64)
    found = frechet_mean(EuclideanMetric(), points)
    exact = (points.var(0, correction=1).sum() / 5).sqrt()
    torch.testing.assert_close(found.standard_error[0], exact)
    assert "standard errors" in str(found)


def test_one_code_is_its_own_mean_in_words():
    found = frechet_mean(EuclideanMetric(), torch.randn(1, 2))
    assert found.standard_error.isnan()
    assert "one code" in str(found)
    assert "nan" not in str(found)


def test_a_displacement_that_was_not_followed_to_the_end_is_told(monkeypatch):
    whole = connect(EuclideanMetric(), torch.zeros(1, 2), torch.ones(1, 2))
    broken = replace(whole, converged=~whole.converged)
    module = import_module("geolatent.statistics.frechet_mean")
    monkeypatch.setattr(module, "connect", lambda *_, **__: broken)
    found = frechet_mean(EuclideanMetric(), torch.randn(4, 2))
    assert found.converged.all()
    assert not found.displacement_converged
    assert "not converged" in str(found)


def test_a_curve_longer_than_its_straight_line_is_no_mean(monkeypatch):
    """The straight line is shorter: what was found is a detour, whatever the solver says."""
    lengths = iter([1.0, 0.5])

    def longer(metric, nodes, **options):
        path = measure(metric, nodes, **options)
        return replace(path, straight_length=next(lengths) * path.straight_length)

    points = torch.rand(4, 2, dtype=torch.float64)
    monkeypatch.setattr("geolatent.statistics.joint_mean.measure", longer)
    metric = PullbackMetric(nn.Linear(2, 3, dtype=torch.float64).requires_grad_(False))
    assert frechet_mean(metric, points, segments=4).converged.all()
    assert not frechet_mean(metric, points, segments=4).converged.any()


@pytest.mark.usefixtures("as_in_production")
def test_a_bare_decoder_is_no_metric():
    with pytest.raises(TypeError, match="PullbackMetric"):
        frechet_mean(Sphere(), torch.randn(3, 2))


def test_units_of_coordinates_do_not_matter():
    """A decoder of codes in other units: the same mean, in those units, after as many steps."""
    unit = torch.tensor([1e-3, 1e3], dtype=torch.float64)
    points = torch.randn(30, 2, dtype=torch.float64) * 0.5

    def bowl(z):
        return torch.cat([z, z.square().sum(-1, keepdim=True)], -1)

    plain = frechet_mean(PullbackMetric(bowl), points)
    other = frechet_mean(PullbackMetric(lambda z: bowl(z / unit)), points * unit)
    assert torch.allclose(other.point / unit, plain.point, atol=1e-6)
    assert torch.equal(other.iterations, plain.iterations)
