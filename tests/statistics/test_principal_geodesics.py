"""Principal geodesics against the plane, its coordinates and great circles."""

from importlib import import_module

import pytest
import torch
from sklearn.decomposition import PCA
from torch import nn

from geolatent.metrics import EuclideanMetric, PullbackMetric
from geolatent.networks import Sphere, SwissRoll
from geolatent.statistics import principal_geodesics


def test_flat_ones_are_principal_components():
    points = torch.randn(30, 3, dtype=torch.float64) * torch.tensor([3.0, 1.0, 0.3]).double()
    found = principal_geodesics(EuclideanMetric(), points, components=2)
    pca = PCA(2).fit(points.numpy())
    cosines = (found.directions * torch.tensor(pca.components_)).sum(1).abs()
    torch.testing.assert_close(cosines, torch.ones(2, dtype=torch.float64))
    ratio = torch.tensor(pca.explained_variance_ratio_)
    torch.testing.assert_close(found.share, ratio)
    assert found.captured_by_flat == pytest.approx(1)
    assert found.distortion.abs().max() < 1e-12
    assert found.converged


def test_coordinates_do_not_matter():
    """An affine decoder: the components of the decoded data, however codes are stretched."""
    decoder = nn.Linear(2, 6, dtype=torch.float64).requires_grad_(False)
    with torch.no_grad():
        decoder.weight[:, 1] *= 20
    points = torch.randn(40, 2, dtype=torch.float64) * torch.tensor([3.0, 0.5]).double()
    found = principal_geodesics(PullbackMetric(decoder), points, components=1, segments=4)
    pca = PCA(1).fit(decoder(points).numpy())
    torch.testing.assert_close(
        found.share, torch.tensor(pca.explained_variance_ratio_), rtol=1e-6, atol=0
    )
    assert found.captured_by_flat < 0.9


def test_codes_on_a_great_circle_have_one_component():
    angle = torch.linspace(-1, 1, 12, dtype=torch.float64)
    tilt = torch.tensor(0.5, dtype=torch.float64)
    circle = torch.stack([angle.cos(), angle.sin() * tilt.cos(), angle.sin() * tilt.sin()], 1)
    points = torch.stack([circle[:, 2].asin(), torch.atan2(circle[:, 1], circle[:, 0])], 1)
    found = principal_geodesics(PullbackMetric(Sphere()), points, segments=16)
    assert found.share[0] > 1 - 1e-6
    size = found.coordinates[:, 0] * found.coordinates[0, 0].sign()
    torch.testing.assert_close(size, -angle, atol=1e-4, rtol=0)
    torch.testing.assert_close(found.codes(found.coordinates), points, atol=1e-4, rtol=0)


def test_distortion_is_that_of_the_tangent_plane():
    points = torch.tensor([5.0, 0.0], dtype=torch.float64) + torch.rand(15, 2).double() * 3
    flat = principal_geodesics(PullbackMetric(SwissRoll()), points, segments=16, pairs=20)
    assert flat.distortion.abs().max() < 1e-3  # a flat surface, though its codes are not
    sphere = 0.8 * torch.randn(15, 2, dtype=torch.float64)
    curved = principal_geodesics(PullbackMetric(Sphere()), sphere, segments=16, pairs=20)
    assert curved.distortion.max() > 0.01


def test_rank_deficiency_is_told():
    with pytest.warns(UserWarning, match="rank-deficient"):
        found = principal_geodesics(PullbackMetric(lambda z: z[:, :1]), torch.randn(6, 2))
    assert not found.converged
    assert found.directions.isnan().all()


def test_distortions_that_are_not_known_are_told():
    """Geodesics between codes that are apart cannot go where the decoder is not defined."""

    def broken(z):
        return torch.where((z[:, 1:] > 0.3) & (z[:, :1].abs() < 0.2), torch.nan, z)

    points = torch.tensor([[-1.0, 1.0], [1.0, 1.0], [0.0, -1.0], [0.0, -1.0]])
    found = principal_geodesics(PullbackMetric(broken), points, segments=4, pairs=12)
    assert found.converged
    unknown = found.distortion.isnan()
    assert unknown.any()
    assert not unknown.all()
    assert torch.equal(found.distortion_converged, ~unknown)
    assert len(found.distortion) < 12  # two codes are the same
    assert "nan" not in str(found)


def test_flags_of_pairs_are_those_of_their_geodesics(monkeypatch, unfinished):
    module = import_module("geolatent.statistics.principal_geodesics")
    monkeypatch.setattr(module, "connect", unfinished)
    found = principal_geodesics(EuclideanMetric(), torch.randn(6, 2), pairs=5)
    assert found.converged
    assert found.distortion.isfinite().all()
    assert not found.distortion_converged.any()


@pytest.mark.usefixtures("as_in_production")
def test_mistakes():
    with pytest.raises(ValueError, match="all 8 codes that count are the same"):
        principal_geodesics(EuclideanMetric(), torch.ones(8, 2))
    found = principal_geodesics(EuclideanMetric(), torch.randn(5, 2), components=1)
    with pytest.raises(ValueError, match=r"coordinates must be \(b, 1\)"):
        found.codes(torch.zeros(3, 2))
    with pytest.raises(TypeError, match="coordinates must be a tensor"):
        found.codes([[0.0]])
    with pytest.raises(TypeError, match="got ndarray"):
        principal_geodesics(EuclideanMetric(), torch.randn(5, 2).numpy())
    with pytest.raises(ValueError, match="components"):
        principal_geodesics(EuclideanMetric(), torch.randn(5, 2), components=3)
    with pytest.raises(TypeError, match="PullbackMetric"):
        principal_geodesics(Sphere(), torch.randn(5, 2))
