"""The logarithm and the certificate against closed forms and against each other."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from geolatent.geodesics import connect, measure
from geolatent.geodesics.certify import certify
from geolatent.geodesics.exponential import exponential
from geolatent.geodesics.logarithm import logarithm
from geolatent.manifolds import Lorentz
from geolatent.metrics import EuclideanMetric, ManifoldMetric, Metric, PullbackMetric
from geolatent.networks import MLP, HyperbolicPatch, Sphere, SwissRoll, Torus

SURFACES = {"sphere": Sphere(), "swiss roll": SwissRoll(), "hyperbolic patch": HyperbolicPatch()}
# Greatest relative error of a length: a few roundings were measured (4e-15, 2e-7).
LENGTH_ERROR = {torch.float32: 2e-6, torch.float64: 1e-12}


def _pairs(name, dtype=torch.float64, count=6):
    start, end = torch.rand(2, count, 2, dtype=torch.float64)
    if name == "sphere":
        start, end = start - 0.5, start - 0.5 + torch.tensor([0.5, 1.5]) * (end - 0.5)
    elif name == "swiss roll":
        low, size = torch.tensor([1.5 * math.pi, 0.0]), torch.tensor([3 * math.pi, 21.0])
        start, end = low + size * start, low + size * end
    else:
        start, end = 0.5 + 1.5 * start, 0.5 + 1.5 * end
    return start.to(dtype), end.to(dtype)


def _decoder(size, scale=1.0):
    decoder = MLP(size, 30, hidden=(32, 32)).double().requires_grad_(False)
    for weight in decoder.parameters():
        weight *= scale
    return decoder


class MatrixOnly(Metric):
    def __init__(self, metric):
        self._metric = metric

    def matrix(self, z):
        return self._metric.matrix(z)


@pytest.mark.parametrize("dtype", LENGTH_ERROR)
@pytest.mark.parametrize("name", SURFACES)
def test_lengths_are_the_closed_form(name, dtype):
    start, end = _pairs(name, dtype)
    result = logarithm(PullbackMetric(SURFACES[name]), start, end)
    exact = SURFACES[name].distance(start.double(), end.double())
    assert result.converged.all()
    assert (result.length.double() / exact - 1).abs().max() < LENGTH_ERROR[dtype]
    assert result.residual.max() < {torch.float32: 1e-4, torch.float64: 1e-9}[dtype]
    assert result.velocity.dtype == dtype


def test_matrix_metrics_give_the_same():
    start, end = _pairs("hyperbolic patch", count=4)
    result = logarithm(MatrixOnly(PullbackMetric(HyperbolicPatch())), start, end)
    exact = HyperbolicPatch().distance(start, end)
    assert result.converged.all()
    torch.testing.assert_close(result.length, exact, rtol=1e-12, atol=0)


@pytest.mark.parametrize("size", [1, 2, 5, 10])
def test_exponential_undoes_it(size):
    metric = PullbackMetric(_decoder(size))
    start, end = 0.5 * torch.randn(2, 3, size, dtype=torch.float64)
    path = connect(metric, start, end)
    result = logarithm(metric, start, end, path=path, tolerance=1e-6)
    assert result.converged.all()
    reached = exponential(metric, start, result.velocity, tolerance=1e-6).end
    torch.testing.assert_close(reached, end, rtol=0, atol=1e-5)
    torch.testing.assert_close(path.length, result.length, rtol=1e-6, atol=0)


def test_logarithm_undoes_the_exponential():
    metric = PullbackMetric(Torus())
    z = torch.rand(5, 2, dtype=torch.float64)
    v = 0.5 * torch.randn(5, 2, dtype=torch.float64)
    result = logarithm(metric, z, exponential(metric, z, v).end)
    torch.testing.assert_close(result.velocity, v, rtol=0, atol=1e-8)


def test_strongly_bent_decoder():
    metric = PullbackMetric(_decoder(2, scale=3.0))
    start, end = torch.randn(2, 3, 2, dtype=torch.float64)
    result = logarithm(metric, start, end, tolerance=1e-5)
    assert result.converged.all()
    assert result.iterations.max() > 5  # more than one number of nodes was needed


def test_initial_curve_chooses_the_geodesic():
    """Round the sphere the long way: also a geodesic, of length 2π − d."""
    start = torch.tensor([[0.2, 0.0]], dtype=torch.float64)
    end = torch.tensor([[0.1, 2.0]], dtype=torch.float64)
    metric = PullbackMetric(Sphere())
    short = Sphere().distance(start, end)
    around = end - torch.tensor([[0.0, 2 * math.pi]], dtype=torch.float64)
    forward = logarithm(metric, start, end, tolerance=1e-8)
    backward = -forward.velocity * (2 * math.pi / short - 1)
    t = torch.linspace(0, 1, 33, dtype=torch.float64)
    points = exponential(metric, start, backward, t=t, tolerance=1e-6).points
    rough = measure(metric, points + 1e-3 * torch.sin(17 * points))
    result = logarithm(metric, start, around, path=rough, tolerance=1e-6)
    torch.testing.assert_close(result.length, 2 * math.pi - short, rtol=1e-8, atol=0)
    torch.testing.assert_close(result.velocity, backward, rtol=0, atol=1e-6)


@pytest.mark.parametrize("metric", [EuclideanMetric(), ManifoldMetric(Lorentz(3, curvature=-0.5))])
def test_closed_forms(metric):
    start, end = torch.randn(2, 10, 3, dtype=torch.float64)
    start[0] = 0  # the origin, where normal coordinates are the codes themselves
    end[1] = start[1]
    result = logarithm(metric, start, end)
    assert (result.iterations == 0).all()
    assert result.converged.all()
    torch.testing.assert_close(result.length, metric.distance(start, end), rtol=1e-9, atol=1e-15)
    torch.testing.assert_close(result.velocity[0], end[0], rtol=1e-12, atol=1e-12)
    reached = exponential(metric, start, result.velocity).end
    torch.testing.assert_close(reached, end, rtol=0, atol=1e-10)


def test_results_do_not_depend_on_batch_or_units():
    metric = PullbackMetric(_decoder(2, scale=1.5))
    start, end = 0.7 * torch.randn(2, 3, 2, dtype=torch.float64)
    together = logarithm(metric, start, end, tolerance=1e-6)
    alone = logarithm(metric, start[2:3], end[2:3], tolerance=1e-6)
    torch.testing.assert_close(alone.velocity[0], together.velocity[2], rtol=0, atol=1e-9)
    decoder, unit = metric.immersion, 1e4
    scaled = PullbackMetric(lambda z: 1e-3 * decoder(z / unit))
    result = logarithm(scaled, unit * start, unit * end, tolerance=1e-6)
    assert torch.equal(result.iterations, together.iterations)
    torch.testing.assert_close(result.length, 1e-3 * together.length, rtol=1e-10, atol=0)


class TestFailures:
    def test_identical_ends_and_no_pairs(self):
        z = torch.rand(2, 2)
        result = logarithm(PullbackMetric(Sphere()), z, z)
        assert torch.equal(result.velocity, torch.zeros(2, 2))
        assert result.length.tolist() == result.residual.tolist() == [0, 0]
        assert result.converged.all()
        assert logarithm(PullbackMetric(Sphere()), z[:0], z[:0]).velocity.shape == (0, 2)

    def test_nan_spoils_its_own_pair_only(self):
        def decoder(z):
            return torch.where(z[..., :1] > 1, torch.nan, Sphere()(z))

        start = torch.tensor([[0.0, 0.0], [0.0, 0.0], [0.3, 0.0]], dtype=torch.float64)
        end = torch.tensor([[0.5, 1.0], [1.5, 1.0], [0.4, 0.7]], dtype=torch.float64)
        result = logarithm(PullbackMetric(decoder), start, end)
        assert result.converged.tolist() == [True, False, True]
        assert result.velocity[1].isnan().all()
        exact = Sphere().distance(start, end)[[0, 2]]
        torch.testing.assert_close(result.length[[0, 2]], exact, rtol=1e-12, atol=0)

    def test_rank_deficient_metric_has_none(self):
        metric = PullbackMetric(lambda z: z[..., :1])
        with pytest.warns(UserWarning, match="rank-deficient"):
            result = logarithm(metric, torch.zeros(1, 2), torch.ones(1, 2))
        assert not result.converged.any()
        assert result.velocity.isnan().all()

    def test_a_path_of_other_codes_is_refused(self):
        start, end = torch.rand(2, 3, 2, dtype=torch.float64)
        path = connect(EuclideanMetric(), start, end)
        for ends in ((start.flip(0), end), (start, end.flip(0))):
            with pytest.raises(ValueError, match="does not join start to end"):
                logarithm(EuclideanMetric(), *ends, path=path)

    def test_too_few_iterations_say_so(self):
        metric = PullbackMetric(_decoder(2, scale=3.0))
        start, end = torch.randn(2, 4, 2, dtype=torch.float64)
        result = logarithm(metric, start, end, max_iterations=1)
        assert not result.converged.any()
        assert (result.iterations == 5).all()  # one for each number of nodes

    @pytest.mark.parametrize(
        ("start", "end", "options", "message"),
        [
            (torch.zeros(2, 3), torch.zeros(2, 2), {}, r"\(2, 3\) and \(2, 2\)"),
            (torch.zeros(1, 1), torch.tensor([[math.nan]]), {}, "end has 1.*row 0"),
            (torch.zeros(1, 1), torch.zeros(1, 1), {"tolerance": -1.0}, "tolerance"),
            (torch.zeros(1, 1), torch.zeros(1, 1), {"max_iterations": 0}, "max_iterations"),
        ],
    )
    @pytest.mark.usefixtures("as_in_production")
    def test_refuses_what_does_not_fit(self, start, end, options, message):
        with pytest.raises(ValueError, match=message):
            logarithm(PullbackMetric(Sphere()), start, end, **options)


class TestCertify:
    def test_good_paths_pass_and_wrong_ones_do_not(self):
        metric = PullbackMetric(Sphere())
        start, end = _pairs("sphere", count=3)
        path = connect(metric, start, end)
        t = torch.linspace(0, 1, path.points.shape[1], dtype=torch.float64)
        bump = torch.sin(math.pi * t)[:, None]
        wrong = measure(metric, path.points + 0.05 * bump)
        good, bad = certify(metric, path), certify(metric, wrong)
        assert good.miss.max() < 1e-3  # the end tangent of 32 cubic segments
        assert bad.miss.min() > 1e-2
        assert good.excess.abs().max() < 1e-8
        assert bad.excess.min() > 1e-4
        exact = Sphere().distance(start, end)
        for certificate in (good, bad):
            assert certificate.converged.all()
            torch.testing.assert_close(certificate.length, exact, rtol=1e-12, atol=0)

    def test_computes_in_double_where_the_metric_can(self):
        start, end = _pairs("sphere", torch.float32, count=3)
        metric = PullbackMetric(Sphere())
        path = connect(metric, start, end)
        certificate = certify(metric, path)
        assert certificate.dtype == torch.float64
        ends = path.points.double()
        exact = Sphere().distance(ends[:, 0], ends[:, -1])
        torch.testing.assert_close(certificate.length, exact, rtol=1e-12, atol=0)
        single = PullbackMetric(nn.Sequential(nn.Linear(2, 3), nn.Tanh()).requires_grad_(False))
        certificate = certify(single, connect(single, start, end))
        assert certificate.dtype == torch.float32
        assert certificate.converged.all()

    @pytest.mark.parametrize("metric", [EuclideanMetric(), PullbackMetric(Sphere())])
    def test_loops_are_no_perfect_geodesics(self, metric):
        """One that leaves its code and returns, beside a path that stays and a good one."""
        t = torch.linspace(0, 1, 17, dtype=torch.float64).unsqueeze(1)
        angle = 2 * torch.pi * t
        loop = 0.1 * torch.cat([1 - angle.cos(), angle.sin()], 1)
        loop[-1] = loop[0]
        curves = torch.stack([loop, 0 * loop, t * torch.tensor([0.5, 0.0])])
        verdict = certify(metric, measure(metric, curves))
        assert not verdict.converged[0] or verdict.excess[0] > 1
        assert not verdict.miss[0] < 0.1
        assert verdict.converged[1:].all()
        torch.testing.assert_close(verdict.excess[1:], torch.zeros(2).double(), atol=1e-6, rtol=0)

    def test_a_decoder_that_breaks_is_not_one_in_single_precision(self):
        sphere = Sphere()
        path = connect(PullbackMetric(sphere), *(0.1 * torch.rand(2, 1, 2)), segments=4)

        def broken(z):
            if z.dtype == torch.float64:
                raise RuntimeError("no more power")
            return sphere(z)

        with pytest.raises(ValueError, match="no more power"):
            certify(PullbackMetric(broken), path)

    def test_curves_that_cannot_be_certified(self):
        def decoder(z):
            return torch.where(z[..., :1] > 1, torch.nan, Sphere()(z))

        start = torch.tensor([[0.0, 0.0], [0.0, 0.0], [0.3, 0.0]], dtype=torch.float64)
        end = torch.tensor([[0.5, 1.0], [1.5, 1.0], [0.3, 0.0]], dtype=torch.float64)
        metric = PullbackMetric(decoder)
        path = connect(metric, start, end)
        points = path.points.clone()
        points[1, 5] = math.nan
        for candidate in (replace(path, points=points), path):
            certificate = certify(metric, candidate, tolerance=1e-5)
            assert certificate.converged.tolist() == [True, False, True]
            assert certificate.length.isfinite().tolist() == [True, False, True]
            assert certificate.miss[2] == certificate.excess[2] == 0
