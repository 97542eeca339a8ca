"""The two transformers in scikit-learn's own checks, in pipelines and through pickle."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.cluster import AgglomerativeClustering
from sklearn.decomposition import PCA
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from geolatent.interop import GeodesicDistances, TangentSpace
from geolatent.metrics import PullbackMetric
from geolatent.networks import MLP, Sphere, SwissRoll


@parametrize_with_checks([GeodesicDistances(), TangentSpace()])
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


def _two_turns(count=20):
    """Classes on neighbouring turns of the roll: near in space, far along it."""
    generator = np.random.default_rng(1)
    t = np.concatenate([6 + generator.random(count), 9 + generator.random(count)])
    return np.stack([t, 3 * generator.random(2 * count)], 1), np.repeat([0, 1], count)


def test_distances_are_exact_on_the_roll():
    codes, _ = _two_turns(6)
    found = GeodesicDistances(PullbackMetric(SwissRoll())).fit(codes[:8])
    start, end = torch.tensor(codes[9:]), torch.tensor(codes[:8])
    exact = SwissRoll().distance(start[:, None].expand(3, 8, 2), end.expand(3, 8, 2))
    np.testing.assert_allclose(found.transform(codes[9:]), exact, rtol=1e-5)
    square = found.transform(codes[:8])
    np.testing.assert_array_equal(square, found.fit_transform(codes[:8]))
    np.testing.assert_array_equal(np.diag(square), 0)


def test_neighbours_and_clusters():
    codes, labels = _two_turns()
    metric = PullbackMetric(SwissRoll())
    neighbours = make_pipeline(
        GeodesicDistances(metric, segments=8), KNeighborsClassifier(3, metric="precomputed")
    )
    assert cross_val_score(neighbours, codes, labels, cv=2).mean() == 1
    square = GeodesicDistances(metric, segments=8).fit_transform(codes)
    found = AgglomerativeClustering(2, metric="precomputed", linkage="average").fit_predict(square)
    assert len(set(zip(found, labels, strict=True))) == 2


def test_tangent_vectors_have_geodesic_lengths_and_lead_back():
    codes = 0.4 * np.random.default_rng(0).standard_normal((10, 2))
    space = TangentSpace(PullbackMetric(Sphere()))
    vectors = space.fit_transform(codes)
    np.testing.assert_allclose(vectors.mean(0), 0, atol=1e-5)
    base = torch.tensor(space.base_point_).expand(10, 2)
    exact = Sphere().distance(base, torch.tensor(codes)).numpy()
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), exact, atol=1e-6)
    np.testing.assert_allclose(space.inverse_transform(vectors), codes, atol=1e-4)
    assert PCA(1).fit_transform(vectors).shape == (10, 1)
    elsewhere = TangentSpace(PullbackMetric(Sphere()), base_point=codes[0]).fit_transform(codes)
    np.testing.assert_allclose(elsewhere[0], 0, atol=1e-12)


@pytest.mark.parametrize("kind", [GeodesicDistances, TangentSpace])
def test_clone_and_pickle(kind):
    codes = 0.3 * np.random.default_rng(0).standard_normal((6, 2))
    estimator = kind(PullbackMetric(Sphere())).fit(codes)
    again = pickle.loads(pickle.dumps(estimator))
    np.testing.assert_array_equal(again.transform(codes), estimator.transform(codes))
    assert clone(estimator).metric is not None
    assert type(again.metric) is PullbackMetric


def test_single_precision_stays_single():
    codes = 0.3 * np.random.default_rng(0).standard_normal((5, 2)).astype(np.float32)
    for kind in (GeodesicDistances, TangentSpace):
        for given in (codes, torch.from_numpy(codes)):
            assert kind(PullbackMetric(Sphere())).fit_transform(given).dtype == np.float32


@pytest.mark.usefixtures("as_in_production")
def test_mistakes():
    codes = np.zeros((3, 2))
    for kind in (GeodesicDistances, TangentSpace):
        with pytest.raises(TypeError, match="PullbackMetric"):
            kind(Sphere()).fit(codes)
        with pytest.raises(ValueError, match="width"):
            kind(PullbackMetric(MLP(3, 5, hidden=(4,)).double())).fit_transform(codes)
    with pytest.raises(ValueError, match=r"tangent vectors \(n, 2\), got shape \(3, 4\)"):
        TangentSpace(base_point=[0.0, 0.0]).fit(codes).inverse_transform(np.zeros((3, 4)))
    with pytest.raises(ValueError, match="base_point"):
        TangentSpace(base_point=[0.0]).fit(codes)
    with pytest.raises(ValueError, match="rank-deficient"):
        TangentSpace(PullbackMetric(lambda z: z[:, :1]), base_point=[0.0, 0.0]).fit(codes)
