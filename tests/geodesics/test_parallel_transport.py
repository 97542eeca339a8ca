"""Parallel transport: holonomy, conserved products and the transported tangent."""

import math
import sys

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from geolatent.geodesics import connect, measure
from geolatent.geodesics.exponential import exponential
from geolatent.geodesics.parallel_transport import parallel_transport
from geolatent.geodesics.path_velocity import path_velocity
from geolatent.manifolds import Lorentz
from geolatent.metrics import EuclideanMetric, ManifoldMetric, Metric, PullbackMetric
from geolatent.networks import MLP, Sphere, SwissRoll, Torus


class MatrixOnly(Metric):
    def __init__(self, metric):
        self._metric = metric

    def matrix(self, z):
        return self._metric.matrix(z)


def _circles(latitudes, dtype):
    longitude = torch.linspace(0, 2 * math.pi, 33, dtype=dtype)
    latitude = torch.tensor(latitudes, dtype=dtype)[:, None].expand(-1, 33)
    return torch.stack([latitude, longitude.expand_as(latitude)], -1)


@pytest.mark.parametrize(("dtype", "error"), [(torch.float32, 1e-4), (torch.float64, 1e-11)])
def test_holonomy_is_the_enclosed_area_of_the_sphere(dtype, error):
    """Round a circle of latitude vectors turn by the area of the cap, 2π (1 − sin latitude)."""
    points = _circles([0.0, 0.3, 0.8, 1.2], dtype)
    north = torch.tensor([1.0, 0.0], dtype=dtype).expand(4, 2)
    result = parallel_transport(PullbackMetric(Sphere()), points, north)
    assert result.converged.all()
    latitude = points[:, 0, 0].double()
    turned = torch.atan2(
        -result.vectors[:, 1].double() * latitude.cos(), result.vectors[:, 0].double()
    )
    area = 2 * math.pi * (1 - latitude.sin())
    difference = torch.remainder(turned - area + math.pi, 2 * math.pi) - math.pi
    assert difference.abs().max() < error


@pytest.mark.parametrize("size", [2, 5, 10])
def test_inner_products_are_preserved_to_rounding(size):
    decoder = MLP(size, 30, hidden=(16, 16)).double().requires_grad_(False)
    metric = PullbackMetric(decoder)
    points = torch.randn(3, 7, size, dtype=torch.float64)  # any wild curve will do
    vectors = torch.randn(3, 4, size, dtype=torch.float64)
    result = parallel_transport(metric, points, vectors, tolerance=1e-3)
    start, end = metric.matrix(points[:, 0]), metric.matrix(points[:, -1])
    before = vectors @ start @ vectors.mT
    after = result.vectors @ end @ result.vectors.mT
    torch.testing.assert_close(after, before, rtol=1e-11, atol=1e-11)
    moved = (result.matrix @ vectors.mT).mT
    torch.testing.assert_close(result.vectors, moved)


def test_geodesics_transport_their_own_velocity():
    """Only of geodesics this is true; the spline through 65 points is one to about 1e-7."""
    metric = PullbackMetric(Torus())
    z = torch.rand(5, 2, dtype=torch.float64)
    v = torch.randn(5, 2, dtype=torch.float64)
    shot = exponential(metric, z, v, t=torch.linspace(0, 1, 65, dtype=torch.float64))
    path = measure(metric, shot.points)
    result = parallel_transport(metric, path, v)
    torch.testing.assert_close(result.vectors, shot.velocity, rtol=0, atol=1e-5)
    away = parallel_transport(metric, connect(EuclideanMetric(), z, shot.end), v)
    assert (away.vectors - shot.velocity).norm(dim=1).min() > 1e-4


def test_hyperbolic_space_has_its_closed_form():
    metric = ManifoldMetric(Lorentz(3))
    start, end, v = 0.5 * torch.randn(3, 2, 3, dtype=torch.float64)
    path = connect(metric, start, end)
    result = parallel_transport(metric, path, v)
    x, u = torch.func.jvp(metric.point, (start,), (v,))
    y, found = torch.func.jvp(metric.point, (end,), (result.vectors,))
    expected = metric.manifold.transport(x, y, u)
    # What the spline of 32 segments leaves.
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


def test_flat_surfaces_do_not_turn_vectors():
    """Round a loop of the Swiss roll everything comes back as it was."""
    angle = torch.linspace(0, 2 * math.pi, 65, dtype=torch.float64)
    loop = torch.stack([8 + angle.cos(), 5 + angle.sin()], -1).unsqueeze(0)
    result = parallel_transport(PullbackMetric(SwissRoll()), loop, loop[:, 0])
    torch.testing.assert_close(result.matrix[0], torch.eye(2).double(), rtol=0, atol=1e-9)


def test_matrix_metrics_give_the_same():
    metric = PullbackMetric(Torus())
    points = torch.rand(2, 5, 2, dtype=torch.float64)
    vectors = torch.randn(2, 3, 2, dtype=torch.float64)
    immersed = parallel_transport(metric, points, vectors)
    by_matrix = parallel_transport(MatrixOnly(metric), points, vectors)
    torch.testing.assert_close(immersed.vectors, by_matrix.vectors, rtol=0, atol=1e-12)


def test_change_bounds_the_error_and_tolerance_is_met():
    points = 2 * torch.rand(3, 5, 2, dtype=torch.float64)
    metric = PullbackMetric(Torus())
    exact = parallel_transport(metric, points, points[:, 0], tolerance=1e-13).matrix
    rough = parallel_transport(metric, points, points[:, 0], tolerance=1e-2)
    assert rough.converged.all()
    assert ((rough.matrix - exact).abs().amax((1, 2)) < rough.change).all()
    impossible = parallel_transport(metric, points, points[:, 0], tolerance=1e-30)
    assert not impossible.converged.any()


class TestFailures:
    def test_singular_and_nan_metrics_spoil_their_own_curve_only(self):
        def decoder(z):
            flat = torch.where(z[..., 1:] > 4, 0 * z, torch.sin(z))
            return torch.where(z[..., :1] > 4, torch.nan, flat)

        points = torch.zeros(3, 5, 2, dtype=torch.float64)
        points[:, :, 0] = torch.linspace(0, 1, 5)
        points[1, 2, 0], points[2, 2, 1] = 9, 9
        result = parallel_transport(PullbackMetric(decoder), points, points[:, -1])
        assert result.converged.tolist() == [True, False, False]
        assert result.vectors.isfinite().all(1).tolist() == [True, False, False]

    def test_curves_that_stay_and_no_curves(self):
        z = torch.rand(2, 1, 2).expand(2, 4, 2)
        v = torch.rand(2, 2)
        result = parallel_transport(PullbackMetric(Sphere()), z, v)
        torch.testing.assert_close(result.vectors, v)
        empty = parallel_transport(PullbackMetric(Sphere()), z[:0], v[:0])
        assert empty.vectors.shape == (0, 2)

    @pytest.mark.parametrize(
        ("points", "vectors", "tolerance", "message"),
        [
            (torch.zeros(2, 4, 3), torch.zeros(2, 2), None, r"\(2, 4, 3\) and \(2, 2\)"),
            (torch.zeros(2, 1, 2), torch.zeros(2, 2), None, "t at least 2"),
            (torch.zeros(2, 4, 2), torch.zeros(2, 2).double(), None, "convert one of them"),
            (torch.zeros(2, 4, 2), torch.zeros(2, 2), 0.0, "tolerance"),
        ],
    )
    @pytest.mark.usefixtures("as_in_production")
    def test_refuses_what_does_not_fit(self, points, vectors, tolerance, message):
        with pytest.raises(ValueError, match=message):
            parallel_transport(EuclideanMetric(), points, vectors, tolerance=tolerance)


@pytest.mark.parametrize("segments", [1, 2, 3, 8])
def test_velocity_is_the_derivative_of_the_path(segments):
    path = measure(EuclideanMetric(), torch.randn(2, segments + 1, 3, dtype=torch.float64))
    t = torch.tensor([0.0, 0.2, 0.55, 0.99], dtype=torch.float64)
    codes, velocity = path_velocity(path.points, t)
    torch.testing.assert_close(codes, path(t), rtol=0, atol=1e-12)
    step = 1e-6
    difference = (path(t + step) - path((t - step).clamp_min(0))) / (
        t + step - (t - step).clamp_min(0)
    )[:, None]
    torch.testing.assert_close(velocity, difference, rtol=1e-4, atol=1e-3)


class Widest(TorchDispatchMode):
    """Notes the largest tensor that any operation makes."""

    most = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        found = function(*args, **(kwargs or {}))
        made = found if isinstance(found, tuple | list) else (found,)
        sizes = [x.untyped_storage().nbytes() // x.itemsize for x in made if torch.is_tensor(x)]
        self.most = max([self.most, *sizes])
        return found


def test_the_matrices_of_many_curves_do_not_pile_up(monkeypatch):
    metric, points = PullbackMetric(lambda z: z.sin()), torch.randn(40, 5, 6)
    whole = parallel_transport(metric, points, points[:, 0], tolerance=10.0)
    module = sys.modules[parallel_transport.__module__]
    monkeypatch.setattr(module, "HELD_AT_ONCE", 2**15)
    with Widest() as widest:
        split = parallel_transport(metric, points, points[:, 0], tolerance=10.0)
    assert widest.most <= 2**15
    torch.testing.assert_close(split.vectors, whole.vectors)
