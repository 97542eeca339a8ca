"""Connections against finite differences, and what happens where a metric is singular."""

import math

import pytest
import torch

from geolatent.metrics import Metric, PullbackMetric
from geolatent.metrics.connection import connection_along, geodesic_acceleration
from geolatent.metrics.in_chunks import in_chunks
from geolatent.metrics.raised_index import is_regular, orthonormal_frame, raise_index, regular
from geolatent.metrics.second_derivative import second_derivative, second_derivatives
from geolatent.networks import MLP, Torus


class MatrixOnly(Metric):
    """The same metric with its immersion hidden."""

    def __init__(self, metric):
        self._metric = metric

    def matrix(self, z):
        return self._metric.matrix(z)


def _decoder(size, outputs=20):
    return MLP(size, outputs, hidden=(16, 16)).double().requires_grad_(False)


def _christoffel_by_differences(metric, z, step=1e-5):
    """Γ^k_ij at one code, from central differences of G."""
    size = len(z)
    shifts = step * torch.eye(size, dtype=z.dtype)
    gradient = torch.stack(
        [(metric.matrix(z + shift) - metric.matrix(z - shift)) / (2 * step) for shift in shifts]
    )  # ∂_k G_ij at [k, i, j]
    lowered = (gradient.permute(2, 0, 1) + gradient.permute(2, 1, 0) - gradient) / 2
    return torch.einsum("kl,lij->kij", torch.linalg.inv(metric.matrix(z)), lowered)


@pytest.mark.parametrize("immersed", [True, False])
@pytest.mark.parametrize("size", [1, 2, 5])
class TestConnection:
    def test_acceleration_is_that_of_finite_differences(self, size, immersed):
        metric = PullbackMetric(_decoder(size))
        z, v = torch.randn(2, 3, size, dtype=torch.float64)
        expected = [
            -torch.einsum("kij,i,j->k", _christoffel_by_differences(metric, x), w, w)
            for x, w in zip(z, v, strict=True)
        ]
        found, matrix = geodesic_acceleration(metric if immersed else MatrixOnly(metric), z, v)
        torch.testing.assert_close(found, torch.stack(expected), rtol=1e-6, atol=1e-8)
        torch.testing.assert_close(matrix, metric.matrix(z))

    def test_connection_along_is_that_of_finite_differences(self, size, immersed):
        metric = PullbackMetric(_decoder(size))
        z, u = torch.randn(2, 3, size, dtype=torch.float64)
        expected = [
            torch.einsum("kij,i->kj", _christoffel_by_differences(metric, x), w)
            for x, w in zip(z, u, strict=True)
        ]
        found, matrix, change = connection_along(metric if immersed else MatrixOnly(metric), z, u)
        torch.testing.assert_close(found, torch.stack(expected), rtol=1e-6, atol=1e-8)
        torch.testing.assert_close(matrix, metric.matrix(z))
        step = 1e-5 * u
        slope = (metric.matrix(z + step) - metric.matrix(z - step)) / 2e-5
        torch.testing.assert_close(change, slope, rtol=1e-6, atol=1e-8)


def test_second_derivatives_are_the_hessians_of_reverse_mode():
    decoder, z = _decoder(3, outputs=4), torch.randn(2, 3, dtype=torch.float64)
    expected = torch.stack(
        [
            torch.stack(
                [
                    torch.autograd.functional.hessian(lambda x, i=i: decoder(x)[i], row)
                    for i in range(4)
                ]
            )
            for row in z
        ]
    )
    torch.testing.assert_close(second_derivatives(decoder, z), expected)
    u, v = torch.randn(2, 2, 3, dtype=torch.float64)
    along = torch.einsum("bpij,bi,bj->bp", expected, u, v)
    torch.testing.assert_close(second_derivative(decoder, z, u, v), along)


class TestRaisedIndex:
    def test_solves_and_measures(self):
        factor = torch.randn(6, 4, 4, dtype=torch.float64)
        matrix = factor @ factor.mT
        right = torch.randn(6, 4, 2, dtype=torch.float64)
        torch.testing.assert_close(raise_index(matrix, right), torch.linalg.solve(matrix, right))
        frame = orthonormal_frame(matrix)
        identity = torch.eye(4).double().expand(6, 4, 4)
        torch.testing.assert_close(frame.mT @ matrix @ frame, identity)
        assert torch.equal(frame, frame.triu())

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_singular_items_are_nan_and_the_others_are_not(self, dtype):
        good = torch.tensor([[2.0, 0.5], [0.5, 1.0]])
        dependent = torch.tensor([[0.1, 0.3], [0.3, 0.9]])
        matrices = [good, dependent, torch.zeros(2, 2), good * math.nan, -good, good * math.inf]
        # Positive definite, but by a rounding error only.
        rounding = torch.diag(torch.tensor([0.0, 4.0], dtype=dtype)) * torch.finfo(dtype).eps
        matrix = torch.stack([*(m.to(dtype) for m in matrices), 1 + rounding])
        expected = [True] + 6 * [False]
        assert is_regular(matrix).tolist() == expected
        right = torch.ones(7, 2, 1, dtype=dtype)
        assert raise_index(matrix, right).isfinite().all(2).all(1).tolist() == expected
        assert orthonormal_frame(matrix).isfinite().all(2).all(1).tolist() == expected

    def test_units_of_the_coordinates_do_not_matter(self):
        units = torch.tensor([1.0, 1e-9, 1e9], dtype=torch.float64)
        matrix = torch.tensor([[2, 1, 0], [1, 2, 1], [0, 1, 2]], dtype=torch.float64)
        scaled = matrix * units * units[:, None]
        assert is_regular(scaled)
        inverse = raise_index(scaled, torch.eye(3).double()) * units * units[:, None]
        torch.testing.assert_close(inverse, torch.linalg.inv(matrix), rtol=1e-14, atol=1e-15)

    def test_regular_says_where(self):
        metric = PullbackMetric(lambda z: torch.stack([z[..., 0], z[..., 1].square()], -1))
        z = torch.tensor([[[0.0, 1.0], [1.0, 0.0]], [[0.0, -1.0], [2.0, 2.0]]])
        assert regular(metric, z).tolist() == [[True, False], [True, True]]
        a, _ = geodesic_acceleration(metric, z, torch.ones_like(z))
        assert a.isfinite().all(-1).tolist() == [[True, False], [True, True]]


def test_chunks_change_nothing():
    metric = PullbackMetric(Torus())
    z, v = torch.rand(2, 3, 700, 2, dtype=torch.float64)
    seen = []

    def function(codes, vectors):
        seen.append(len(codes))
        return (codes * vectors, codes.sum(-1))

    product, total = in_chunks(metric, function, z, v, evaluations=100)
    assert torch.equal(product, z * v)
    assert torch.equal(total, z.sum(-1))
    assert max(seen) <= 81  # 8192 values of a small decoder, a hundred for each code
    wide = PullbackMetric(lambda z: z[..., :1].expand(*z.shape[:-1], 2**12))
    seen.clear()
    in_chunks(wide, function, z, v, evaluations=100)
    assert max(seen) <= 10


@pytest.mark.parametrize("shape", [(0,), (2, 0), ()])
def test_any_batch(shape):
    metric = PullbackMetric(Torus())
    z = torch.rand(*shape, 2)
    a, matrix = geodesic_acceleration(metric, z, z)
    assert a.shape == (*shape, 2)
    assert matrix.shape == (*shape, 2, 2)
    assert regular(metric, z).shape == shape
