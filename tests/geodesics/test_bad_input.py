"""What every function on a metric says of codes that do not fit it."""

import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from geolatent import curvature
from geolatent.geodesics import (
    CodeGraph,
    certify,
    connect,
    distance,
    distance_matrix,
    distinct_geodesics,
    exponential,
    first_variation,
    logarithm,
    measure,
    parallel_transport,
)
from geolatent.metrics import FisherRaoMetric, Metric, PullbackMetric
from geolatent.networks import MLP, Sphere


def _decoder(dtype=torch.float32):
    return MLP(2, 5, hidden=(8,)).to(dtype).requires_grad_(False)


def _path(codes):
    """A straight one, of a metric that takes any codes."""
    straight = torch.lerp(codes[:, None], codes[:, None] + 1, torch.linspace(0, 1, 5)[:, None])
    return measure(PullbackMetric(lambda z: z), straight.float())


def _stacked(codes):
    stack = torch.stack if isinstance(codes, torch.Tensor) else np.stack
    return stack([codes, codes + 1], 1)


FUNCTIONS = {
    "connect": lambda metric, z: connect(metric, z, z + 1),
    "distinct_geodesics": lambda metric, z: distinct_geodesics(metric, z, z + 1),
    "distance": lambda metric, z: distance(metric, z, z + 1),
    "distance_matrix": distance_matrix,
    "landmarks": lambda metric, z: distance_matrix(metric, z, method="landmarks"),
    "graph": CodeGraph,
    "exponential": lambda metric, z: exponential(metric, z, z + 1),
    "logarithm": lambda metric, z: logarithm(metric, z, z + 1),
    "measure": lambda metric, z: measure(metric, _stacked(z)),
    "parallel_transport": lambda metric, z: parallel_transport(metric, _stacked(z), z),
    "christoffel": curvature.christoffel,
    "riemann": curvature.riemann,
    "sectional": lambda metric, z: curvature.sectional(metric, z, z, z + 1),
    "gaussian": curvature.gaussian,
    "ricci": curvature.ricci,
    "scalar": curvature.scalar,
    "stretches": curvature.principal_stretches,
    "volume": curvature.volume_element,
    "indicatrix": curvature.indicatrix,
}
everywhere = pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)


@pytest.mark.usefixtures("as_in_production")
@everywhere
class TestEveryFunction:
    def test_says_which_precision_meets_which(self, function):
        z = torch.rand(3, 2)
        with pytest.raises(ValueError, match=r"float64, .* float32: decoder.double\(\) or codes.f"):
            function(PullbackMetric(_decoder()), z.double())
        with pytest.raises(ValueError, match=r"float32, .* float64: decoder.float\(\) or codes.d"):
            function(PullbackMetric(_decoder(torch.float64)), z)

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.long])
    def test_takes_single_and_double_precision_only(self, function, dtype):
        with pytest.raises(ValueError, match=f"single or double precision, and {dtype}"):
            function(PullbackMetric(_decoder()), torch.ones(3, 2).to(dtype))

    def test_says_which_devices_meet(self, function):
        with pytest.raises(ValueError, match=r"float32 on meta: decoder.to\('cpu'\)"):
            function(PullbackMetric(_decoder().to("meta")), torch.rand(3, 2))

    def test_refuses_what_is_no_tensor_and_what_is_no_metric(self, function):
        with pytest.raises(TypeError, match=r"must be a tensor, got ndarray: torch.as_tensor"):
            function(PullbackMetric(_decoder()), np.ones((3, 2), dtype=np.float32))
        with pytest.raises(TypeError, match="wrap a decoder in PullbackMetric"):
            function(_decoder(), torch.rand(3, 2))

    def test_errors_of_the_decoder_itself_come_with_its_name_and_their_cause(self, function):
        words = r"decoder MLP cannot take .* shape \([1-6], 2\), float32 \(.mat1 and mat2"
        with pytest.raises(ValueError, match=words) as caught:
            function(PullbackMetric(MLP(3, 5, hidden=(8,))), torch.rand(3, 2))
        assert isinstance(caught.value.__cause__, RuntimeError)

    @pytest.mark.parametrize(
        ("decoder", "words"),
        [
            (lambda z: (z, z), r"<lambda> returns a tuple of 2 .*: pass .* decoder\(z\)\[0\]"),
            (lambda z: {"x": z}, r"returns a dict .* decoder\(z\)\[key\], its keys are 'x'"),
            (lambda z: None, "returns None; does its function end"),
            (lambda z: z.detach().numpy(), "returns a NumPy array, .*: compute it with torch's"),
            (np.sin, "decoder sin computes with NumPy, .*: write it with torch's"),
            (lambda z: torch.sin(z).detach(), "no gradient to the codes"),
            (lambda z: z.sum(0, keepdim=True), r"returns shape \(1, 2\) for codes of shape"),
            (lambda z: z.sin() + torch.rand_like(z), "two different answers for the same codes"),
            (lambda z: z - z.mean(0), "depends on the other codes of the batch"),
            (lambda z: F.dropout(z.sin()), r"two different answers .* decoder.eval\(\)"),
        ],
    )
    def test_says_what_is_no_decoder(self, function, decoder, words):
        with pytest.raises(ValueError, match=words):
            function(PullbackMetric(decoder), torch.rand(3, 2))


@pytest.mark.usefixtures("as_in_production")
class TestTwoTensors:
    CALLS = {
        "connect": connect,
        "distance": distance,
        "distance_matrix": distance_matrix,
        "exponential": exponential,
        "logarithm": logarithm,
        "parallel_transport": lambda metric, z, v: parallel_transport(
            metric, torch.stack([z, z + 1], 1), v
        ),
        "sectional": lambda metric, z, v: curvature.sectional(metric, z, z, v),
        "first_variation": lambda metric, z, v: first_variation(metric, _path(z), z, v),
    }

    @pytest.mark.parametrize("function", CALLS.values(), ids=CALLS)
    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (lambda z: z.double(), "float64"),
            (lambda z: z.to("meta"), "meta"),
            (lambda z: z[:, :1], r"\(3, 1\)"),
            (lambda z: z.half(), "float16"),
        ],
    )
    def test_must_be_alike(self, function, change, said):
        z = torch.rand(3, 2)
        with pytest.raises(ValueError, match=said):
            function(PullbackMetric(_decoder()), z, change(z + 1))


@pytest.mark.usefixtures("as_in_production")
class TestPaths:
    def test_certify_takes_the_precision_of_the_decoder(self):
        path = _path(torch.rand(0, 2))
        assert certify(PullbackMetric(_decoder(torch.float64)), path).dtype == torch.float64
        assert certify(PullbackMetric(_decoder()), path).dtype == torch.float32

    def test_certify_refuses_what_does_not_fit(self):
        path = _path(torch.rand(3, 2))
        with pytest.raises(ValueError, match=r"decoder.to.'cpu'"):
            certify(PullbackMetric(_decoder().to("meta")), path)
        with pytest.raises(TypeError, match="must be a Path, got Tensor: measure"):
            certify(PullbackMetric(_decoder()), path.points)

    def test_initial_curves_must_join_the_codes(self):
        z = torch.rand(3, 2)
        for codes in (z[:2], torch.rand(3, 3)):
            with pytest.raises(ValueError, match=re.escape(f"path holds {(len(codes), 5)}"[:-2])):
                logarithm(PullbackMetric(_decoder()), z, z + 1, path=_path(codes))


@pytest.mark.usefixtures("as_in_production")
class TestMetrics:
    def test_results_must_keep_the_dtype_of_the_codes(self):
        decoder, z = _decoder(), torch.rand(3, 2)
        with pytest.raises(ValueError, match="float32, but the decoder <lambda> returns float64"):
            connect(PullbackMetric(lambda z: decoder(z).double()), z, z + 1)
        # What looks like a mistake and is none.
        inside = PullbackMetric(lambda z: decoder(z.float()).to(z.dtype))
        assert connect(inside, z.double(), z.double() + 1).length.isfinite().all()

    def test_parts_are_found_behind_anything(self):
        decoder, z = _decoder(), torch.rand(3, 2, dtype=torch.float64)

        class Own(Metric):
            def __init__(self):
                self.weight = torch.eye(2)

            def matrix(self, z):
                return self.weight @ torch.diag_embed(z)

        fisher = FisherRaoMetric(lambda z: decoder(z), lambda h: h[..., None, None])
        for metric in (Own(), fisher, PullbackMetric(nn.Sequential(decoder, nn.Tanh()))):
            with pytest.raises(ValueError, match="the decoder's parameters float32"):
                connect(metric, z, z + 1)

    def test_a_matrix_of_another_shape_is_refused(self):
        class Diagonal(Metric):
            def matrix(self, z):
                return z.square()

        with pytest.raises(ValueError, match=r"\(2, 2\) for 2 codes .*; it must be \(2, 2, 2\)"):
            connect(Diagonal(), torch.rand(3, 2), torch.rand(3, 2))


@pytest.mark.usefixtures("as_in_production")
class TestOptions:
    @pytest.mark.parametrize(
        ("function", "options", "error", "words"),
        [
            (connect, {"initialisations": 5}, TypeError, "must be a tuple .*, got 5: give"),
            (connect, {"initialisations": ("Arc",)}, TypeError, "got 'Arc' among them"),
            (connect, {"initialisations": ()}, ValueError, "at least one, got none"),
            (connect, {"tolerance": "small"}, ValueError, "positive number, got 'small'"),
            (connect, {"max_iterations": 2.5}, ValueError, "at least 1, got 2.5"),
            (connect, {"segments": "many"}, ValueError, "segments must be a whole .* 'many'"),
            (connect, {"segments": 24}, ValueError, "4 times a power of two, got 24"),
            (distinct_geodesics, {"initialisations": 5}, TypeError, "must be a tuple"),
            (distinct_geodesics, {"separation": 0}, ValueError, "separation must .* got 0"),
            (exponential, {"t": 0.5}, TypeError, r"tensor of times, \(t,\), got 0.5"),
            (exponential, {"tolerance": -1}, ValueError, "tolerance must .* got -1"),
            (exponential, {"max_steps": 0}, ValueError, "max_steps must .* got 0"),
            (logarithm, {"max_iterations": 0}, ValueError, "max_iterations must .* got 0"),
            (logarithm, {"tolerance": None, "path": 5}, TypeError, "path must be a Path, got int"),
        ],
    )
    def test_out_of_range(self, function, options, error, words):
        z = torch.rand(3, 2)
        with pytest.raises(error, match=words):
            function(PullbackMetric(_decoder()), z, z + 1, **options)


class TestFewCodes:
    """One-dimensional codes, one pair, none, equal ends, and rows that are not contiguous."""

    @pytest.fixture
    def metric(self):
        return PullbackMetric(Sphere())

    @pytest.mark.parametrize("count", [0, 1])
    def test_few_pairs(self, metric, count):
        z = torch.rand(count, 2)
        near = z + 0.1
        path = connect(metric, z, near)
        assert len(path) == count
        assert distance(metric, z, near).shape == (count,)
        assert exponential(metric, z, near - z).converged.shape == (count,)
        assert logarithm(metric, z, near).velocity.shape == (count, 2)
        assert certify(metric, path).converged.all()
        assert parallel_transport(metric, path, z).vectors.shape == (count, 2)
        assert curvature.gaussian(metric, z).shape == (count,)
        assert curvature.riemann(metric, z).shape == (count, 2, 2, 2, 2)
        assert curvature.christoffel(metric, z).shape == (count, 2, 2, 2)
        assert curvature.principal_stretches(metric, z).shape == (count, 2)

    def test_one_dimension(self):
        metric = PullbackMetric(lambda z: torch.cat([z.sin(), z.cos()], -1))
        start = torch.zeros(2, 1, dtype=torch.float64)
        end = start + torch.tensor([[1.0], [2.0]], dtype=torch.float64)
        torch.testing.assert_close(logarithm(metric, start, end).velocity, end)
        torch.testing.assert_close(exponential(metric, start, end).end, end)
        path = connect(metric, start, end)
        assert certify(metric, path).excess.abs().max() < 1e-9
        transport = parallel_transport(metric, path, torch.ones_like(start))
        torch.testing.assert_close(transport.vectors, torch.ones_like(start))
        assert not curvature.riemann(metric, start).any()
        assert not curvature.christoffel(metric, start).any()

    def test_equal_ends(self, metric):
        z = torch.rand(2, 2, dtype=torch.float64)
        assert not logarithm(metric, z, z).velocity.any()
        verdict = certify(metric, connect(metric, z, z))
        assert verdict.converged.all()
        assert not verdict.miss.any()
        assert not verdict.excess.any()
        leaf = z.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(distance(metric, leaf, z).sum(), leaf)
        assert not gradient.any()

    def test_rows_that_are_not_contiguous(self, metric):
        start, end = torch.rand(2, 2, 3, dtype=torch.float64).mT / 2
        plain, other = start.contiguous(), end.contiguous()
        for function in (connect, logarithm):
            found, expected = function(metric, start, end), function(metric, plain, other)
            torch.testing.assert_close(found.length, expected.length, rtol=1e-12, atol=0)
        found = curvature.sectional(metric, start, end, start)
        torch.testing.assert_close(found, curvature.sectional(metric, plain, other, plain))

    def test_nan_spoils_its_own_item_only(self):
        hole = PullbackMetric(lambda z: torch.where(z[..., :1] > 5, torch.nan, Sphere()(z)))
        start = torch.tensor([[0.4, 0.3], [9.0, 0.0]])
        end = torch.full_like(start, 0.5)
        assert logarithm(hole, start, end).converged.tolist() == [True, False]
        assert exponential(hole, start, end / 5).converged.tolist() == [True, False]
        assert curvature.gaussian(hole, start).isfinite().tolist() == [True, False]
        path = torch.stack([start, end], 1)
        assert parallel_transport(hole, path, end).converged.tolist() == [True, False]


def test_what_is_measured_are_curves_of_two_points_or_more():
    with pytest.raises(ValueError, match=r"at least 2 points.*one curve is points\[None\]"):
        measure(PullbackMetric(_decoder()), torch.rand(3, 1, 2))


class Skew(Metric):
    def matrix(self, z):
        return torch.eye(2) + 0.1 * z[..., :1, None] * torch.tensor([[0.0, 1.0], [-1.0, 0.0]])


@pytest.mark.parametrize(
    "ask", [connect, logarithm, lambda metric, a, _: curvature.gaussian(metric, a)]
)
def test_matrices_that_are_not_symmetric_are_refused(ask):
    """Lengths would know the symmetric part only, and curvature both."""
    with pytest.raises(ValueError, match="Skew gives a matrix that is not symmetric"):
        ask(Skew(), torch.rand(3, 2) + 1, torch.rand(3, 2) + 2)


def test_a_little_of_the_batch_is_too_much():
    start, end = torch.rand(2, 3, 2) + 1
    mixed = PullbackMetric(lambda z: Sphere()(z) * (1 + 0.01 * z.mean()))
    with pytest.raises(ValueError, match="depends on the other codes of the batch"):
        connect(mixed, start, end + 1)
