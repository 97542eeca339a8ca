"""LAND against maximum likelihood by brute force, and against the Gaussian of flat codes."""

import math
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from geolatent.manifolds import Lorentz
from geolatent.manifolds import Sphere as SphereManifold
from geolatent.metrics import EuclideanMetric, ManifoldMetric, PullbackMetric
from geolatent.networks import Sphere
from geolatent.statistics import land

SPHERE = ManifoldMetric(SphereManifold(2))


def _skewed(count=40):
    """Codes that spread far and unevenly along one direction, and little across."""
    generator = torch.Generator().manual_seed(3)
    along = torch.empty(count, dtype=torch.float64).exponential_(1.0, generator=generator) - 1
    across = torch.randn(count, generator=generator, dtype=torch.float64)
    codes = torch.stack([0.55 * along + 0.2 * across, 0.25 * across], 1)
    return codes + torch.tensor([0.2, -0.1], dtype=torch.float64)


class _Exact:
    """The likelihood on the unit sphere, its normaliser by quadrature in polar coordinates."""

    def __init__(self, x):
        self.x = x
        node, weight = np.polynomial.legendre.leggauss(40)
        radius, weight = np.pi * (node + 1) / 2, weight * np.pi / 2
        angle = 2 * np.pi * np.arange(40) / 40
        self.vectors = radius[:, None, None] * np.stack([np.cos(angle), np.sin(angle)], -1)
        self.volume = np.repeat((np.sin(radius) * weight)[:, None], 40, 1) * 2 * np.pi / 40

    def __call__(self, mean, frame, covariance):
        cosine = self.x @ mean
        angle = np.arccos(np.clip(cosine, -1, 1))
        logs = (angle / np.sin(angle))[:, None] * (self.x - np.outer(cosine, mean)) @ frame
        inverse = np.linalg.inv(covariance)
        squares = np.einsum("abi,ij,abj->ab", self.vectors, inverse, self.vectors)
        whole = (np.exp(-squares / 2) * self.volume).sum()
        return -np.einsum("bi,ij,bj->b", logs, inverse, logs).mean() / 2 - np.log(whole)

    def best(self):
        """Nelder and Mead's search over mean and covariance."""

        def unpacked(q):
            mean = np.array([1.0, q[0], q[1]])
            mean /= np.linalg.norm(mean)
            # The pole's frame carried along a great circle.
            turned = np.array([1.0, 0, 0]) + mean
            frame = np.eye(3)[:, 1:] - np.outer(turned, mean[1:]) / (1 + mean[0])
            root = np.array([[np.exp(q[2]), 0], [q[3], np.exp(q[4])]])
            return mean, frame, root @ root.T

        options = {"xatol": 1e-6, "fatol": 1e-10, "maxiter": 2000, "maxfev": 2000}
        start = [0.2, -0.1, -0.5, 0.0, -1.0]
        found = minimize(
            lambda q: -self(*unpacked(q)), start, method="Nelder-Mead", options=options
        )
        assert found.success
        return unpacked(found.x)[0], -found.fun


def test_maximum_likelihood_is_that_of_brute_force(monkeypatch):
    """Equal means of log maps (moment matching) put the mean 0.015 away, half a standard error."""
    codes = _skewed()
    exact = _Exact(SPHERE.point(codes).numpy())
    mean, likelihood = exact.best()
    found = land(SPHERE, codes, 1, draws=1000, tolerance=1e-7)
    assert found.converged
    point = SPHERE.point(found.means[0])
    frame = torch.func.jacfwd(SPHERE.point)(found.means[0]) @ found.frames[0]
    assert np.arccos(point.numpy() @ mean) < 1e-3
    reached = exact(point.numpy(), frame.numpy(), found.covariances[0].numpy())
    assert reached == pytest.approx(likelihood, abs=3e-5)
    # Per volume of the sphere, with its own normaliser.
    per_volume = found.log_prob(codes).mean()
    assert float(per_volume) == pytest.approx(reached, abs=3 * float(found.normaliser_error))
    assert float(found.code_log_prob(codes).mean()) == pytest.approx(found.log_likelihood)

    module = import_module("geolatent.statistics.land")
    derivatives = module.exponential_derivatives

    def without_bending(*arguments, **options):
        result = derivatives(*arguments, **options)
        identity = torch.eye(2, dtype=torch.float64).expand_as(result.of_log)
        return result._replace(of_log=identity)

    monkeypatch.setattr(module, "exponential_derivatives", without_bending)
    matched = SPHERE.point(land(SPHERE, codes, 1, draws=400, tolerance=1e-7).means[0])
    assert np.arccos(matched.numpy() @ mean) == pytest.approx(0.0155, abs=0.001)


def test_flat_land_is_the_gaussian_of_the_codes():
    points = torch.randn(40, 2, dtype=torch.float64) * torch.tensor([2.0, 0.5]).double()
    found = land(EuclideanMetric(), points, 1, tolerance=1e-9)
    torch.testing.assert_close(found.means[0], points.mean(0), atol=1e-6, rtol=0)
    covariance = torch.cov(points.T, correction=0)
    torch.testing.assert_close(found.covariances[0], covariance, atol=1e-6, rtol=1e-6)
    assert found.log_likelihood == pytest.approx(found.flat_log_likelihood, abs=1e-3)
    assert abs(found.gain) < 1e-3
    assert found.converged


def test_gain_is_told_with_its_error():
    codes = _skewed()
    found = land(SPHERE, codes, 1, tolerance=1e-3)
    normal = torch.distributions.MultivariateNormal(codes.mean(0), torch.cov(codes.T, correction=0))
    gains = found.code_log_prob(codes) - normal.log_prob(codes)
    assert found.gain == pytest.approx(float(gains.mean()), abs=1e-4)
    assert found.gain_error == pytest.approx(float(gains.std()) / math.sqrt(40), abs=1e-4)
    assert f"{found.gain:+.2g} ± {found.gain_error:.1g}" in str(found)
    assert "not converged" in str(replace(found, converged=False))


def test_land_integrates_to_one_and_finds_two_components(integral):
    metric = ManifoldMetric(Lorentz(2))
    points = 0.4 * torch.randn(20, 2, dtype=torch.float64)
    points[10:] += torch.tensor([1.8, 0.5], dtype=torch.float64)
    found = land(metric, points, 2, draws=64, tolerance=1e-3, segments=4)
    assert found.converged
    assert float(found.share.sum()) == pytest.approx(1)
    assert integral(metric, found.log_prob, [-4, -4], [6, 6], 24) == pytest.approx(1, abs=0.03)


def test_a_component_on_too_few_codes_is_no_fit():
    """Two of the codes are far away: a component shrinks onto them."""
    points = torch.randn(12, 2, dtype=torch.float64)
    points[10:] = torch.tensor([[50.0, 0.0], [50.0, 1e-3]], dtype=torch.float64)
    assert not land(EuclideanMetric(), points, 2).converged


def test_codes_that_no_geodesic_reaches_have_no_density():
    metric = PullbackMetric(lambda z: torch.where(z[:, :1] > 50, torch.nan, z))
    points = torch.cat([torch.randn(8, 2), torch.tensor([[99.0, 0.0]])])
    found = land(metric, points, 1, segments=4)
    assert math.isnan(found.log_likelihood)
    assert not found.converged
    assert "no density" in str(found)
    fine = land(metric, points[:8], 1, segments=4)
    with pytest.warns(RuntimeWarning, match="1 of 2"):
        assert fine.log_prob(points[-2:]).isnan().tolist() == [False, True]


@pytest.mark.usefixtures("as_in_production")
def test_mistakes():
    points = torch.randn(5, 2)
    with pytest.raises(ValueError, match="between 1 and the 5"):
        land(EuclideanMetric(), points, 6)
    with pytest.raises(ValueError, match="draws"):
        land(EuclideanMetric(), points, draws=1)
    with pytest.raises(ValueError, match="take 3 different codes at least, got 1"):
        land(EuclideanMetric(), points[:1].repeat(4, 1))
    with pytest.raises(TypeError, match="PullbackMetric"):
        land(Sphere(), points)
    with pytest.raises(ValueError, match="not finite"):
        land(EuclideanMetric(), points * torch.nan)
    with pytest.raises(TypeError, match="got ndarray"):
        land(EuclideanMetric(), points.numpy())
