"""geomstats' algorithms on our metrics, and our solvers against geomstats' closed forms."""

import logging
import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.base import clone

from geolatent.interop import geomstats_space
from geolatent.manifolds import PoincareBall
from geolatent.metrics import EuclideanMetric, ManifoldMetric, PullbackMetric
from geolatent.networks import MLP, Sphere
from geolatent.statistics import frechet_mean


def _points(count=12):
    generator = np.random.default_rng(0)
    return np.array([0.2, 0.3]) + 0.3 * generator.standard_normal((count, 2))


@pytest.fixture(scope="module")
def space():
    return geomstats_space(PullbackMetric(Sphere()), 2, segments=16)


def test_the_interface_agrees_with_itself(space):
    points = _points()
    base = points[0]
    logs = space.metric.log(points, base)
    distances = space.metric.dist(base, points)
    np.testing.assert_allclose(space.metric.norm(logs, base), distances, rtol=1e-6)
    np.testing.assert_allclose(space.metric.exp(logs, base), points, atol=1e-4)
    np.testing.assert_allclose(space.metric.squared_dist(base, points), distances**2)
    pairwise = space.metric.dist_pairwise(points)
    np.testing.assert_allclose(pairwise[0], distances, atol=1e-7)
    exact = Sphere().distance(torch.tensor(base).expand(12, 2), torch.tensor(points)).numpy()
    np.testing.assert_allclose(distances, exact, atol=1e-6)
    assert space.metric.dist(base, points[1]).shape == ()
    assert np.isnan(space.metric.injectivity_radius(base))
    moved = space.metric.parallel_transport(logs[1], base, end_point=points[2])
    assert space.metric.norm(moved, points[2]) == pytest.approx(space.metric.norm(logs[1], base))


def test_geomstats_own_ball_agrees():
    from geomstats.geometry.poincare_ball import PoincareBall as TheirBall

    codes = _points()
    metric = ManifoldMetric(PoincareBall(2))
    ours = geomstats_space(metric, 2)
    x = metric.point(torch.tensor(codes)).numpy()
    theirs = TheirBall(2)
    np.testing.assert_allclose(
        ours.metric.dist_pairwise(codes), theirs.metric.dist_pairwise(x), atol=1e-7
    )
    assert np.isinf(ours.metric.injectivity_radius())
    assert np.isinf(geomstats_space(EuclideanMetric(), 3).metric.injectivity_radius())


def test_pairwise_distances_have_the_segments_asked_for():
    points, metric = 4 * _points(3), PullbackMetric(Sphere())
    coarse = geomstats_space(metric, 2, segments=4).metric
    single = coarse.dist(points[:1], points)[1:]
    np.testing.assert_allclose(coarse.dist_pairwise(points)[0, 1:], single, rtol=1e-9)
    fine = geomstats_space(metric, 2, segments=32).metric
    assert np.abs(fine.dist_pairwise(points)[0, 1:] / single - 1).max() > 1e-9


def test_a_decoder_in_single_precision_is_taken_as_it_is():
    decoder = MLP(2, 5, hidden=(4,)).requires_grad_(False)
    assert geomstats_space(PullbackMetric(decoder), 2).metric.dtype == torch.float32
    assert geomstats_space(PullbackMetric(Sphere()), 2).metric.dtype == torch.float64


def test_frechet_mean_of_geomstats_is_ours(space):
    from geomstats.learning.frechet_mean import FrechetMean

    points = _points()
    theirs = FrechetMean(space).set(epsilon=1e-10).fit(points).estimate_
    ours = frechet_mean(space.metric.learned, torch.tensor(points)).point[0]
    np.testing.assert_allclose(theirs, ours, atol=1e-4)


def test_clusters_components_and_regressions_run(space):
    from geomstats.learning.geodesic_regression import GeodesicRegression
    from geomstats.learning.kmeans import RiemannianKMeans
    from geomstats.learning.pca import TangentPCA

    points = np.concatenate([_points(6) * 0.2, [0.8, 0.8] + _points(6) * 0.2])
    kmeans = RiemannianKMeans(space, n_clusters=2, init=points[[0, 6]])
    assert sorted(np.bincount(kmeans.fit(points).labels_)) == [6, 6]
    assert TangentPCA(space, n_components=1).fit(points).components_.shape == (1, 2)

    times, flat = np.linspace(0, 1, 5), geomstats_space(EuclideanMetric(), 2)
    target = np.array([0.1, 0.2]) + times[:, None] * np.array([0.4, 0.6])
    regression = GeodesicRegression(flat, center_X=False, initialization="frechet")
    np.testing.assert_allclose(regression.fit(times, target).coef_, [0.4, 0.6], atol=1e-3)


def test_estimators_of_geomstats_can_be_cloned(space):
    from geomstats.learning.kmeans import RiemannianKMeans

    clone(RiemannianKMeans(space, n_clusters=2))


def test_failures_are_told():
    space = geomstats_space(PullbackMetric(lambda z: torch.where(z[:, :1] > 2, torch.nan, z)), 2)
    with pytest.warns(RuntimeWarning, match="1 of 2 logarithms"):
        logs = space.metric.log(np.array([[3.0, 0.0], [1.0, 1.0]]), np.zeros(2))
    assert np.isnan(logs[0]).all()
    np.testing.assert_allclose(logs[1], [1, 1], atol=1e-6)


def test_nothing_is_imported_or_changed_before_use():
    code = (
        "import logging, sys, geolatent.interop, geolatent.statistics\n"
        "assert 'geomstats' not in sys.modules and 'sklearn' not in sys.modules\n"
        "from geolatent.interop import geomstats_space\n"
        "root = logging.getLogger()\n"
        "assert not root.handlers and root.level == logging.WARNING, root.handlers\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert logging.getLogger() is logging.root


@pytest.mark.usefixtures("as_in_production")
def test_mistakes(space):
    with pytest.raises(TypeError, match="PullbackMetric"):
        geomstats_space(Sphere(), 2)
    with pytest.raises(ValueError, match="dim"):
        geomstats_space(EuclideanMetric(), 0)
    narrow = PullbackMetric(MLP(2, 5, hidden=(4,)).requires_grad_(False))
    for options in ({}, {"dtype": torch.float32}):
        with pytest.raises(ValueError, match="width"):
            geomstats_space(narrow, 5, **options)
    with pytest.raises(ValueError, match="float64"):
        geomstats_space(narrow, 2, dtype=torch.float64)
    with pytest.raises(ValueError, match="base_point"):
        space.metric.metric_matrix()
    with pytest.raises(ValueError, match="direction"):
        space.metric.parallel_transport(np.zeros(2), np.zeros(2))
