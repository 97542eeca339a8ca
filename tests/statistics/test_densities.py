"""Densities integrate to one over the manifold, and are the flat ones where it is flat."""

import numpy as np
import pytest
import torch
from scipy.stats import gaussian_kde, multivariate_normal

from geolatent.manifolds import Lorentz
from geolatent.metrics import EuclideanMetric, ManifoldMetric, PullbackMetric
from geolatent.metrics.raised_index import orthonormal_frame
from geolatent.networks import Sphere
from geolatent.statistics import kernel_density, volume_distortion
from geolatent.statistics.exponential_derivatives import exponential_derivatives


def _points(count, scale=0.3):
    return torch.tensor([0.1, 0.2]).double() + scale * torch.randn(count, 2, dtype=torch.float64)


HYPERBOLIC = ManifoldMetric(Lorentz(2))


def test_volume_distortion_is_that_of_constant_curvature():
    base = _points(6)
    vectors = torch.randn(6, 2, dtype=torch.float64)
    for metric, exact in (
        (HYPERBOLIC, lambda r: r.sinh() / r),
        (PullbackMetric(Sphere()), lambda r: r.sin().abs() / r),
        (EuclideanMetric(), torch.ones_like),
    ):
        short = 0.5 * vectors
        size = torch.einsum("bi,bij,bj->b", short, metric.matrix(base), short).sqrt()
        torch.testing.assert_close(
            volume_distortion(metric, base, short), exact(size), rtol=1e-5, atol=0
        )
    rest = volume_distortion(HYPERBOLIC, base, torch.zeros_like(base))
    torch.testing.assert_close(rest, torch.ones_like(rest), rtol=1e-5, atol=0)


@pytest.mark.parametrize("sphere", [True, False])
def test_log_maps_answer_to_their_base_as_in_constant_curvature(sphere):
    """H is 1 along the geodesic and r cot r or r coth r across."""
    metric = PullbackMetric(Sphere()) if sphere else HYPERBOLIC
    base, vectors = _points(3), 0.5 * torch.randn(3, 2, dtype=torch.float64)
    found = exponential_derivatives(metric, base, vectors, of_log=True).of_log
    coefficients = torch.linalg.solve(orthonormal_frame(metric.matrix(base)), vectors)
    r = coefficients.norm(dim=1)[:, None, None]
    along = coefficients[:, :, None] * coefficients[:, None] / r.square()
    across = r / (r.tan() if sphere else r.tanh())
    exact = along + across * (torch.eye(2, dtype=torch.float64) - along)
    torch.testing.assert_close(found, exact, atol=1e-5, rtol=0)


def test_flat_kernel_density_is_scipys():
    points = torch.randn(25, 2, dtype=torch.float64)
    found = kernel_density(EuclideanMetric(), points, bandwidth=0.4)
    at = torch.randn(5, 2, dtype=torch.float64)
    exact = torch.stack(
        [
            torch.tensor(
                multivariate_normal(p.numpy(), 0.16 * torch.eye(2).numpy()).pdf(at.numpy())
            )
            for p in points
        ]
    ).mean(0)
    torch.testing.assert_close(found(at), exact, rtol=1e-6, atol=0)
    torch.testing.assert_close(found.normaliser, torch.ones(25, dtype=torch.float64))
    assert kernel_density(EuclideanMetric(), points).rank_correlation == pytest.approx(1)


@pytest.mark.parametrize("weighted", [False, True])
def test_bandwidth_is_scotts(weighted):
    """SciPy's factor, for the codes that the weights are worth, times the standard deviation."""
    points = torch.randn(25, 2, dtype=torch.float64)
    points -= points.mean(0)
    weights = torch.rand(25, dtype=torch.float64) if weighted else None
    if not weighted:  # alike in all directions, where Scott's rule has one number
        root = torch.linalg.cholesky(torch.cov(points.T, correction=1))
        points = torch.linalg.solve_triangular(root, points.T, upper=False).T
    scipys = gaussian_kde(points.T.numpy(), weights=None if weights is None else weights.numpy())
    variance = np.trace(scipys.covariance) / 2 / scipys.factor**2
    found = kernel_density(EuclideanMetric(), points, weights=weights, draws=4)
    assert found.bandwidth == pytest.approx(scipys.factor * variance**0.5, rel=1e-9)
    assert f"bandwidth {found.bandwidth:.4g}" in str(found)


def test_a_density_warns_of_geodesics_that_were_not_found():
    broken = PullbackMetric(lambda z: torch.where(z[:, :1] > 50, torch.nan, z))
    found = kernel_density(broken, torch.randn(4, 2), bandwidth=1.0, draws=4, segments=4)
    with pytest.warns(RuntimeWarning, match="4 of 8 geodesics"):
        density = found(torch.tensor([[99.0, 0.0], [0.0, 0.0]]), segments=4)
    assert density.isnan().tolist() == [True, False]


@pytest.mark.parametrize(("metric", "reach"), [(HYPERBOLIC, 4.0), (PullbackMetric(Sphere()), 1.4)])
def test_kernel_density_integrates_to_one(metric, reach, integral):
    found = kernel_density(metric, _points(3), bandwidth=0.25 if reach < 2 else 0.6, draws=128)
    cells = 16 if reach < 2 else 32
    whole = integral(metric, lambda z: found(z, segments=8).log(), [-reach] * 2, [reach] * 2, cells)
    assert whole == pytest.approx(1, abs=0.01)
    assert found.converged.all()
    away = found.normaliser - 1
    assert (away > 0.01).all() if metric is HYPERBOLIC else (away < -0.005).all()
    assert (found.normaliser_error < 0.02).all()


@pytest.mark.usefixtures("as_in_production")
def test_mistakes():
    points = torch.randn(5, 2)
    with pytest.raises(ValueError, match="bandwidth"):
        kernel_density(EuclideanMetric(), points, bandwidth=-1.0)
    with pytest.raises(ValueError, match="all codes that count are the same"):
        kernel_density(EuclideanMetric(), torch.zeros(3, 2))
    with pytest.raises(TypeError, match="base must be a tensor"):
        volume_distortion(EuclideanMetric(), points.numpy(), points.numpy())
    with pytest.raises(TypeError, match="PullbackMetric"):
        kernel_density(Sphere(), points)
    with pytest.raises(ValueError, match="not finite"):
        kernel_density(EuclideanMetric(), points * torch.nan)
    with pytest.raises(TypeError, match="got ndarray"):
        kernel_density(EuclideanMetric(), points.numpy())


def test_volumes_of_large_metrics_do_not_overflow():
    """A linear decoder is flat whatever its scale: θ = 1 where determinants are 10⁶⁰."""
    matrix = 1e3 * torch.eye(10)
    metric = PullbackMetric(lambda z: z @ matrix)
    distortion = volume_distortion(metric, torch.zeros(2, 10), 1e-3 * torch.randn(2, 10))
    assert torch.allclose(distortion, torch.ones(2), rtol=1e-2)
