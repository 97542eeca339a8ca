import math

import pytest
import torch
from sklearn.neighbors import KernelDensity, NearestNeighbors

from geolatent.metrics import DensityMetric, EuclideanMetric, PullbackMetric
from geolatent.networks import Sphere


@pytest.fixture
def codes():
    return torch.randn(80, 3, dtype=torch.float64)


def test_missing_log_density_is_that_of_a_kernel_density(codes):
    metric = DensityMetric(EuclideanMetric(), codes, bandwidth=0.7)
    other = KernelDensity(bandwidth=0.7).fit(codes.numpy())
    z = 3 * torch.randn(50, 3, dtype=torch.float64)
    expected = other.score_samples(codes.numpy()).max() - other.score_samples(z.numpy())
    expected = torch.from_numpy(expected).clamp_min(0)
    torch.testing.assert_close(metric.missing_log_density(z), expected)
    assert metric.missing_log_density(codes).min() == 0


def test_the_bandwidth_is_the_distance_of_the_tenth_neighbour(codes):
    distance, _ = NearestNeighbors(n_neighbors=11).fit(codes.numpy()).kneighbors(codes.numpy())
    # torch takes the lower of two middle values.
    median = torch.from_numpy(distance[:, 10]).median()
    assert DensityMetric(EuclideanMetric(), codes).bandwidth == pytest.approx(float(median))


def test_the_metric_is_stretched_by_what_is_missing(codes):
    surface = PullbackMetric(Sphere())
    flat = codes[:, :2]
    metric = DensityMetric(surface, flat, strength=3.0)
    z = torch.randn(4, 5, 2, dtype=torch.float64)
    factor = 1 + 3 * metric.missing_log_density(z)
    torch.testing.assert_close(metric.matrix(z), factor[..., None, None] * surface.matrix(z))
    assert torch.equal(DensityMetric(surface, flat, strength=0).matrix(z), surface.matrix(z))


def test_the_factor_has_a_slope_in_a_wide_hole(codes):
    metric = DensityMetric(EuclideanMetric(), codes)
    z = torch.full((1, 3), 200.0, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(metric.missing_log_density(z).sum(), z)
    assert slope.isfinite().all()
    assert (slope > 0).all()
    assert torch.autograd.gradcheck(metric.matrix, 2 * codes[:3].requires_grad_())


def test_codes_far_from_the_origin_in_single_precision(codes):
    near = DensityMetric(EuclideanMetric(), codes.float(), bandwidth=0.5)
    far = DensityMetric(EuclideanMetric(), codes.float() + 1000, bandwidth=0.5)
    z = torch.randn(20, 3)
    # The sums themselves round by 6e-5, over a bandwidth of a half and some ten of those away.
    torch.testing.assert_close(
        far.missing_log_density(z + 1000), near.missing_log_density(z), atol=1e-2, rtol=1e-3
    )


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize(
    ("codes", "options", "message"),
    [
        (torch.zeros(1, 2), {}, r"\(m, d\), m > 1"),
        (torch.full((4, 2), math.nan), {}, "finite"),
        (torch.zeros(40, 2), {}, "coincide"),
        (torch.rand(4, 2), {"strength": -1.0}, "strength must be at least 0"),
        (torch.rand(4, 2), {"bandwidth": 0.0}, "bandwidth must be a positive number"),
    ],
)
def test_mistakes(codes, options, message):
    with pytest.raises(ValueError, match=message):
        DensityMetric(EuclideanMetric(), codes, **options)
