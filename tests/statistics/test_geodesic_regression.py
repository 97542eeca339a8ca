"""Geodesic regression where the geodesic is known."""

from dataclasses import replace
from importlib import import_module

import pytest
import torch

from geolatent.geodesics import connect, exponential
from geolatent.manifolds import Lorentz
from geolatent.metrics import EuclideanMetric, ManifoldMetric, PullbackMetric
from geolatent.networks import MLP, Sphere
from geolatent.statistics import geodesic_regression


def _data(metric, noise=0.0, count=12):
    times = torch.linspace(10, 14, count, dtype=torch.float64)
    intercept = torch.tensor([0.1, 0.2], dtype=torch.float64)
    velocity = torch.tensor([0.2, 0.3], dtype=torch.float64)
    base = intercept.expand(count, 2).contiguous()
    points = exponential(metric, base, (times[:, None] - 12) * velocity).end
    return times, points + noise * torch.randn_like(points), intercept, velocity


def test_flat_regression_is_ordinary_least_squares():
    times, points, _, _ = _data(EuclideanMetric(), noise=0.1)
    weights = torch.rand(12, dtype=torch.float64)
    found = geodesic_regression(EuclideanMetric(), times, points, weights=weights)
    root = weights.sqrt()[:, None]
    design = torch.stack([torch.ones_like(times), times], 1)
    exact = torch.linalg.lstsq(root * design, root * points).solution
    torch.testing.assert_close(found.velocity, exact[1], atol=1e-8, rtol=0)
    torch.testing.assert_close(found.fitted, design @ exact, atol=1e-8, rtol=0)
    assert found.converged
    assert found.displacement < 1e-6
    assert found.r_squared == pytest.approx(found.flat_r_squared)


@pytest.mark.parametrize(
    "metric",
    [
        PullbackMetric(Sphere()),
        ManifoldMetric(Lorentz(2)),
        PullbackMetric(MLP(2, 8, hidden=(12,)).double().requires_grad_(False)),
    ],
    ids=["sphere", "hyperbolic", "decoder"],
)
def test_the_geodesic_that_made_the_data_is_found(metric):
    times, points, intercept, velocity = _data(metric)
    found = geodesic_regression(metric, times, points, segments=16)
    torch.testing.assert_close(found.intercept, intercept, atol=1e-3, rtol=0)
    torch.testing.assert_close(found.velocity, velocity, atol=1e-3, rtol=0)
    assert found.r_squared > 1 - 1e-5
    assert found.flat_r_squared < found.r_squared
    assert found.converged
    torch.testing.assert_close(found.predict(times), points, atol=3e-3, rtol=0)


def test_noisy_fit_is_stationary():
    metric = ManifoldMetric(Lorentz(2))
    times, points, *_ = _data(metric, noise=0.3)
    found = geodesic_regression(metric, times, points)
    assert found.converged

    def variance(shift):
        base = (found.intercept + shift[:2]).expand(12, 2).contiguous()
        velocity = (times[:, None] - found.time) * (found.velocity + shift[2:])
        return metric.distance(exponential(metric, base, velocity).end, points).square().mean()

    assert float(variance(torch.zeros(4))) == pytest.approx(found.variance)
    for direction in torch.eye(4, dtype=torch.float64):
        for sign in (-1, 1):
            assert variance(sign * 1e-3 * direction) > found.variance * (1 - 1e-9)


@pytest.mark.usefixtures("as_in_production")
def test_mistakes():
    points = torch.randn(5, 2)
    with pytest.raises(ValueError, match="times are the same"):
        geodesic_regression(EuclideanMetric(), torch.ones(5), points)
    with pytest.raises(ValueError, match="codes that count are the same"):
        geodesic_regression(EuclideanMetric(), torch.arange(5.0), torch.ones(5, 2))
    with pytest.raises(TypeError, match="times must be a tensor, got list"):
        geodesic_regression(EuclideanMetric(), torch.arange(5.0), points).predict([0.0])
    with pytest.raises(TypeError, match="times must be a tensor, got ndarray"):
        geodesic_regression(EuclideanMetric(), torch.arange(5.0).numpy(), points)
    with pytest.raises(ValueError, match="times must be"):
        geodesic_regression(EuclideanMetric(), torch.ones(4), points)
    with pytest.raises(ValueError, match="not negative"):
        geodesic_regression(EuclideanMetric(), torch.arange(5.0), points, weights=-torch.ones(5))
    with pytest.raises(TypeError, match="PullbackMetric"):
        geodesic_regression(Sphere(), torch.arange(5.0), points)


def test_times_may_be_far_from_zero():
    """Seconds since 1970, a minute apart, with codes in single precision."""
    times = 1.7e9 + 60.0 * torch.arange(8, dtype=torch.float64)
    points = torch.stack([torch.arange(8.0), 2 * torch.arange(8.0)], 1)
    found = geodesic_regression(EuclideanMetric(), times, points)
    assert found.time == pytest.approx(1.7e9 + 210, abs=1e-3)
    assert found.r_squared == pytest.approx(1, abs=1e-5)


def test_units_of_coordinates_do_not_matter():
    unit = torch.tensor([1e-2, 1e2])

    def bowl(z):
        return torch.cat([z, z.square().sum(-1, keepdim=True)], -1)

    times, points, *_ = _data(EuclideanMetric(), noise=0.2, count=4)
    times, points = times.float(), points.float()
    options = {"segments": 4, "max_iterations": 1}  # the step to take shows in every step
    plain = geodesic_regression(PullbackMetric(bowl), times, points, **options)
    other = PullbackMetric(lambda z: bowl(z / unit))
    stretched = geodesic_regression(other, times, points * unit, **options)
    torch.testing.assert_close(stretched.intercept / unit, plain.intercept, atol=1e-3, rtol=0)
    torch.testing.assert_close(stretched.velocity / unit, plain.velocity, atol=1e-3, rtol=0)


def test_displacement_has_the_error_of_least_squares_beside_it():
    times, points, *_ = _data(EuclideanMetric(), noise=0.3)
    flat = geodesic_regression(EuclideanMetric(), times, points)
    design = torch.stack([torch.ones_like(times), times], 1)
    misses = points - design @ torch.linalg.lstsq(design, points).solution
    leverage = torch.linalg.qr(design).Q.square().sum(1)
    exact = (misses.square().sum() / (12 - 2) * leverage).mean().sqrt()
    assert flat.standard_error == pytest.approx(float(exact))

    metric = ManifoldMetric(Lorentz(2))
    found = geodesic_regression(metric, times, points)
    slope, start = torch.linalg.lstsq(design[:, [1, 0]], points).solution
    apart = metric.distance(start + times[:, None] * slope, found.predict(times))
    assert found.displacement == pytest.approx(float(apart.square().mean().sqrt()), rel=1e-5)
    assert found.displacement_in_errors == pytest.approx(found.displacement / found.standard_error)
    spread = found.residuals.square().mean().sqrt()
    assert found.displacement_in_spreads == pytest.approx(found.displacement / float(spread))
    assert found.flat_converged
    assert f"{found.displacement_in_errors:.2g} standard errors" in str(found)


def test_two_codes_have_no_residuals_to_compare_with():
    points = torch.tensor([[0.0, 0.0], [1.0, 2.0]], dtype=torch.float64)
    found = geodesic_regression(EuclideanMetric(), torch.tensor([0.0, 1.0]), points)
    assert "nan" not in str(found)


def test_an_unfinished_line_is_told(monkeypatch):
    """Geodesics from the line that have not converged are no reason to doubt the fit."""
    times, points, *_ = _data(EuclideanMetric(), noise=0.1)
    whole = connect(EuclideanMetric(), points, points)
    broken = replace(whole, converged=whole.converged & (torch.arange(12) != 3))
    module = import_module("geolatent.statistics.geodesic_regression")
    monkeypatch.setattr(module, "connect", lambda *_, **__: broken)
    found = geodesic_regression(EuclideanMetric(), times, points)
    assert found.converged
    assert not found.flat_converged
    assert "not converged" in str(found)
