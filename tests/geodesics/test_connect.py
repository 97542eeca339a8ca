"""Geodesics against closed forms, conservation laws and an independent integrator."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from geolatent import manifolds
from geolatent.geodesics import CodeGraph, StraightLine, connect, energy_minimum, measure
from geolatent.manifolds import FlatTorus, Lorentz
from geolatent.metrics import EuclideanMetric, ManifoldMetric, Metric, PullbackMetric
from geolatent.networks import MLP, HyperbolicPatch, Sphere, SwissRoll

# Greatest relative error of a length that 32 cubic segments leave (float64) and that rounding adds
# (float32: lengths are means of 128 chords, each of a few units in the last place).
LENGTH_ERROR = {torch.float32: 1e-6, torch.float64: 1e-7}


def _pairs(name, dtype, count=40):
    start, end = torch.rand(2, count, 2, dtype=torch.float64)
    if name == "sphere":
        start = start * torch.tensor([2.0, 6.0]) - torch.tensor([1.0, 0.0])
        offset = (end - 0.5) * torch.tensor([1.0, 3.0])
        end = start + offset
        end[:, 0].clamp_(-1.2, 1.2)
    elif name == "swiss roll":
        low, size = torch.tensor([1.5 * math.pi, 0.0]), torch.tensor([3 * math.pi, 21.0])
        start, end = low + size * start, low + size * end
    elif name == "hyperbolic patch":
        size = torch.tensor([1.5, 1.5])
        start, end = 0.5 + size * start, 0.5 + size * end
    else:
        start = 2 * math.pi * start
        end = start + (end - 0.5) * torch.tensor([3.0, 2.0])
    return start.to(dtype), end.to(dtype)


SURFACES = {"sphere": Sphere(), "swiss roll": SwissRoll(), "hyperbolic patch": HyperbolicPatch()}


class MatrixOnly(Metric):
    """The same metric with its immersion hidden."""

    def __init__(self, metric):
        self._metric = metric

    def matrix(self, z):
        return self._metric.matrix(z)


@pytest.mark.parametrize("name", SURFACES)
def test_matrix_metrics_give_the_same_geodesics(name):
    start, end = _pairs(name, torch.float64, 10)
    metric = PullbackMetric(SURFACES[name])
    path = connect(MatrixOnly(metric), start, end)
    exact = SURFACES[name].distance(start, end)
    assert path.converged.all()
    # The midpoint rule of 64 chords places the curve to first order in their squared length.
    torch.testing.assert_close(path.length, exact, rtol=2e-5, atol=0)
    torch.testing.assert_close(path.points, connect(metric, start, end).points, atol=2e-2, rtol=0)


def test_flat_metrics_leave_straight_lines_alone():
    start, end = torch.randn(2, 20, 3)
    path = connect(PullbackMetric(nn.Linear(3, 8)), start, end)
    straight = torch.lerp(start[:, None], end[:, None], torch.linspace(0, 1, 33)[:, None])
    torch.testing.assert_close(path.points, straight, atol=1e-5, rtol=0)
    assert path.straight_excess.abs().max() < 1e-6
    assert path.converged.all()


def test_closed_forms_are_used():
    start, end = torch.randn(2, 5, 3, dtype=torch.float64)
    for metric in (EuclideanMetric(), ManifoldMetric(Lorentz(3))):
        path = connect(metric, start, end)
        torch.testing.assert_close(path.length, metric.distance(start, end), rtol=1e-6, atol=0)
        assert (path.iterations == 0).all()


@pytest.mark.parametrize("radius", [1.0, 8.0, 12.0])
def test_closed_forms_hold_far_out_in_single_precision(radius):
    metric = ManifoldMetric(Lorentz(2))
    start, end = torch.tensor([[radius, 0.0]]), torch.tensor([[0.0, radius]])
    path = connect(metric, start, end)
    # cosh d = cosh² r for a right angle at the origin.
    exact = math.acosh(math.cosh(radius) ** 2)
    assert path.length.item() == pytest.approx(exact, rel=1e-5)
    assert torch.linalg.eigvalsh(metric.matrix(start)).min().item() == pytest.approx(1, rel=1e-6)


@pytest.mark.parametrize(("code", "image"), [(300, 0), (0, 1000)])
def test_rounding_of_large_values_is_no_failure(code, image):
    layer = nn.Linear(2, 9).requires_grad_(False)
    start, end = code + torch.randn(2, 100, 2)
    path = connect(PullbackMetric(lambda z: layer(z) + image), start, end)
    assert path.converged.all()
    assert path.straight_excess.abs().max() < 1e-3


def test_solver_finds_what_the_closed_form_knows():
    start, end = torch.randn(2, 10, 2, dtype=torch.float64)
    metric = ManifoldMetric(Lorentz(2))
    path = connect(MatrixOnly(metric), start, end)
    torch.testing.assert_close(path.length, metric.distance(start, end), rtol=1e-4, atol=0)


def _hill(z):
    """A graph over the plane: going over the hill is stationary, going around it is shorter."""
    return torch.cat([z, 4 * torch.exp(-2 * z.square().sum(-1, keepdim=True))], -1)


def test_several_starts_keep_the_lower_minimum():
    metric = PullbackMetric(_hill)
    angle = torch.linspace(0, 2 * math.pi, 60, dtype=torch.float64)
    ring = 2 * torch.stack([angle.cos(), angle.sin()], -1)
    start = torch.tensor([[-2.0, 0.0], [1.0, 2.0]], dtype=torch.float64)
    end = torch.tensor([[2.0, 0.0], [1.5, 1.5]], dtype=torch.float64)
    over = connect(metric, start, end)
    around = connect(metric, start, end, initialisations=(CodeGraph(metric, ring),))
    both = connect(metric, start, end, initialisations=(StraightLine(), CodeGraph(metric, ring)))
    assert over.converged.all()
    assert both.converged.all()
    assert both.length[0] < 0.9 * over.length[0]
    least = torch.minimum(over.length, around.length)
    torch.testing.assert_close(both.length, least, rtol=1e-6, atol=0)


@pytest.fixture
def decoder():
    return MLP(2, 20, hidden=(32, 32)).requires_grad_(False)


def test_results_do_not_depend_on_the_batch(decoder):
    for weight in decoder.parameters():
        weight *= 3  # bent enough that curves need different numbers of iterations
    start, end = torch.randn(2, 12, 2, dtype=torch.float64)
    metric = PullbackMetric(decoder.double())
    together = connect(metric, start, end)
    alone = [connect(metric, start[i : i + 1], end[i : i + 1]) for i in range(12)]
    assert len(set(together.iterations.tolist())) > 1
    torch.testing.assert_close(
        together.length, torch.cat([a.length for a in alone]), rtol=1e-9, atol=0
    )


@pytest.mark.parametrize("unit", [1e-4, 1e4])
def test_results_do_not_depend_on_the_units(decoder, unit):
    start, end = torch.randn(2, 8, 2, dtype=torch.float64)
    plain = connect(PullbackMetric(decoder.double()), start, end)
    scaled = connect(PullbackMetric(lambda z: unit * decoder(z)), start, end)
    torch.testing.assert_close(scaled.length, unit * plain.length, rtol=1e-9, atol=0)
    codes = connect(PullbackMetric(lambda z: decoder(z / unit)), unit * start, unit * end)
    torch.testing.assert_close(codes.length, plain.length, rtol=1e-9, atol=0)


def test_refinement_changes_little_and_says_how_much():
    start, end = _pairs("sphere", torch.float64, 10)
    metric = PullbackMetric(Sphere())
    coarse, fine = connect(metric, start, end, segments=8), connect(metric, start, end, segments=32)
    assert (coarse.refinement_change > fine.refinement_change).all()
    assert ((coarse.length / fine.length - 1).abs() < coarse.refinement_change).all()


def test_length_errors_bound_the_error_of_the_length(decoder):
    start, end = 3 * torch.randn(2, 10, 2)
    metric = PullbackMetric(decoder)
    path = connect(metric, start, end)
    truth = measure(
        PullbackMetric(decoder.double()), path(torch.linspace(0, 1, 513)).double()
    ).length
    assert ((path.length - truth).abs() <= path.length_error).all()
    assert (path.length_error <= 1e-3 * path.length).all()


class TestMethods:
    def test_energy_finds_what_the_closed_form_knows(self):
        start, end = 0.5 * torch.randn(2, 4, 2, dtype=torch.float64)
        metric = ManifoldMetric(Lorentz(2))
        known, solved = (connect(metric, start, end, method=m) for m in ("auto", "energy"))
        assert torch.equal(known.length, metric.distance(start, end))
        torch.testing.assert_close(solved.length, known.length, rtol=1e-4, atol=0)
        assert (solved.iterations > 0).all()

    def test_the_geodesic_equation_places_points_to_many_digits(self):
        start, end = _pairs("sphere", torch.float64, 4)
        metric = PullbackMetric(Sphere())
        path = connect(metric, start, end, method="geodesic equation")
        assert path.converged.all()
        # On a great circle equal times are equal angles.
        image = Sphere()(path.points)
        angle = torch.linalg.vector_norm(image.diff(dim=1), dim=2)
        even = angle.mean(1, keepdim=True).expand_as(angle)
        torch.testing.assert_close(angle, even, rtol=1e-8, atol=0)
        exact = Sphere().distance(start, end)
        torch.testing.assert_close(path.length, exact, rtol=1e-9, atol=0)

    def test_the_geodesic_equation_leaves_failures_to_themselves(self):
        start, end = torch.zeros(2, 2), torch.tensor([[0.5, 1.0], [9.0, 1.0]])
        metric = PullbackMetric(lambda z: torch.where(z[..., :1] > 5, torch.nan, Sphere()(z)))
        path = connect(metric, start, end, method="geodesic equation")
        assert path.converged.tolist() == [True, False]
        assert path.length.isfinite().tolist() == [True, False]

    @pytest.mark.usefixtures("as_in_production")
    @pytest.mark.parametrize("method", ["closed form", "shooting"])
    def test_refuses_what_is_not_there(self, method):
        with pytest.raises(ValueError, match="closed form"):
            connect(PullbackMetric(Sphere()), torch.zeros(1, 2), torch.ones(1, 2), method=method)


class TestDegenerateInput:
    def test_identical_ends(self, decoder):
        z = torch.randn(3, 2)
        path = connect(PullbackMetric(decoder), z, z)
        assert torch.equal(path.length, torch.zeros(3))
        assert torch.equal(path.straight_excess, torch.zeros(3))
        assert path.converged.all()

    def test_no_pairs(self, decoder):
        path = connect(PullbackMetric(decoder), torch.randn(0, 2), torch.randn(0, 2))
        assert len(path) == 0

    def test_one_dimension(self):
        metric = PullbackMetric(lambda z: torch.cat([z.sin(), z.cos()], -1))
        path = connect(metric, torch.zeros(1, 1), torch.ones(1, 1))
        assert path.length.item() == pytest.approx(1, rel=1e-6)

    def test_rank_deficient_metric(self):
        metric = PullbackMetric(lambda z: z[..., :1])
        with pytest.warns(
            UserWarning, match=r"rank-deficient along 1 of 1 curves.*\(0.125, 0.125\)"
        ):
            path = connect(metric, torch.zeros(1, 2), torch.ones(1, 2))
        assert path.length.item() == pytest.approx(1)
        with pytest.warns(UserWarning, match="rank-deficient"):
            constant = connect(
                PullbackMetric(torch.zeros_like), torch.zeros(1, 2), torch.ones(1, 2)
            )
        assert constant.length.item() == 0

    def test_a_matrix_with_negative_squares_is_called_so(self):
        class Spacetime(Metric):
            def matrix(self, z):
                return torch.diag(torch.tensor([1.0, -1.0])).expand(*z.shape[:-1], 2, 2)

        along = torch.zeros(1, 2), torch.tensor([[1.0, 0.2]])
        with pytest.warns(UserWarning, match="not positive along 1 of 1 curves.*no lengths"):
            connect(Spacetime(), *along)

    def test_nan_spoils_its_own_curve_only(self):
        def decoder(z):
            return torch.where(z[..., :1] > 5, torch.nan, Sphere()(z))

        start, end = torch.tensor([[0.0, 0.0], [0.0, 0.0]]), torch.tensor([[0.5, 1.0], [9.0, 1.0]])
        path = connect(PullbackMetric(decoder), start, end)
        exact = Sphere().distance(start[0], end[0])
        assert path.length[0].item() == pytest.approx(exact.item(), rel=1e-6)
        assert path.converged.tolist() == [True, False]
        assert path.length[1].isnan()
        assert path.straight_excess[1].isnan()

    def test_non_contiguous_input(self, decoder):
        codes = torch.randn(2, 4, 2).movedim(0, 2).movedim(-1, 0)
        path = connect(PullbackMetric(decoder), codes[0], codes[1])
        assert path.converged.all()

    @pytest.mark.parametrize(
        ("start", "end", "message"),
        [
            (torch.zeros(2, 3), torch.zeros(2, 2), r"\(2, 3\) and \(2, 2\)"),
            (torch.zeros(2, 2), torch.zeros(2, 2).double(), "convert one of them"),
            (torch.tensor([[0.0], [math.nan]]), torch.zeros(2, 1), "the first is row 1"),
        ],
    )
    @pytest.mark.usefixtures("as_in_production")
    def test_refuses_what_does_not_fit(self, decoder, start, end, message):
        with pytest.raises(ValueError, match=message):
            connect(PullbackMetric(decoder), start, end)

    @pytest.mark.parametrize(
        "options", [{"segments": 5}, {"segments": 2}, {"tolerance": 0.0}, {"max_iterations": 0}]
    )
    def test_refuses_bad_options(self, decoder, options):
        with pytest.raises(ValueError, match=r"segments|tolerance|max_iterations"):
            connect(PullbackMetric(decoder), torch.zeros(1, 2), torch.ones(1, 2), **options)


def test_unconverged_curves_say_so(decoder):
    for weight in decoder.parameters():
        weight *= 4
    start, end = 2 * torch.randn(2, 10, 2)
    path = connect(PullbackMetric(decoder), start, end, max_iterations=2)
    assert not path.converged.all()


def test_leaves_the_decoder_and_codes_alone(decoder):
    start, end = torch.randn(2, 3, 2).requires_grad_()
    before = start.detach().clone()
    state = torch.get_rng_state()
    path = connect(PullbackMetric(decoder), start, end)
    assert torch.equal(start, before)
    assert torch.equal(torch.get_rng_state(), state)
    assert not path.points.requires_grad


class TestMeasure:
    def test_semicircle(self):
        """A curve of known length and varying speed: angle π t², so speed 2π t."""
        t = torch.linspace(0, 1, 65, dtype=torch.float64)
        angle = math.pi * t.square()
        points = torch.stack([angle.cos(), angle.sin()], -1).unsqueeze(0)
        path = measure(EuclideanMetric(), points)
        assert path.length.item() == pytest.approx(math.pi, rel=1e-6)
        assert path.energy.item() == pytest.approx(4 / 3 * math.pi**2, rel=1e-4)
        assert path.speed_variation.item() == pytest.approx(1 / math.sqrt(3), rel=1e-3)
        assert path.straight_length.item() == pytest.approx(2)

    def test_path_passes_through_its_points(self):
        points = torch.randn(2, 9, 3, dtype=torch.float64)
        path = measure(EuclideanMetric(), points)
        torch.testing.assert_close(path(torch.linspace(0, 1, 9, dtype=torch.float64)), points)
        with pytest.raises(ValueError, match=r"\[0, 1\], got 0 to 2"):
            path(torch.tensor([0.0, 2.0]))


@pytest.mark.parametrize("activation", [nn.Identity(), nn.ReLU()])
@pytest.mark.parametrize("method", ["energy", "geodesic equation"])
def test_decoders_without_curvature(activation, method):
    decoder = nn.Sequential(nn.Linear(2, 3), activation, nn.Linear(3, 8)).double()
    with torch.no_grad():
        decoder[0].bias.fill_(9.0)  # far from the kinks
    start, end = torch.rand(2, 3, 2, dtype=torch.float64)
    path = connect(PullbackMetric(decoder), start, end, method=method)
    assert path.converged.all()
    torch.testing.assert_close(path.length, (decoder(start) - decoder(end)).norm(dim=1).detach())


def test_geodesics_across_the_cut_know_the_line_that_does_not_cross_it():
    start, end = torch.tensor([[3.0, 0.0]]), torch.tensor([[-3.0, 0.0]])
    path = connect(ManifoldMetric(FlatTorus(2)), start, end)
    assert path.length.item() == pytest.approx(2 * math.pi - 6, rel=1e-4)
    assert path.straight_length.item() == pytest.approx(6)


@pytest.mark.usefixtures("as_in_production")
def test_refuses_what_is_no_metric_and_one_start_for_several():
    z = torch.zeros(1, 2)
    with pytest.raises(TypeError, match="wrap a decoder in PullbackMetric"):
        connect(nn.Linear(2, 3), z, z)
    with pytest.raises(TypeError, match="with the comma"):
        connect(PullbackMetric(Sphere()), z, z, initialisations=StraightLine())


def test_length_errors_count_the_rounding_of_short_curves():
    decoder = MLP(2, 10, hidden=(16,)).requires_grad_(False)
    start = torch.rand(20, 2)
    end = start + 1e-4
    path = connect(PullbackMetric(decoder), start, end)
    exact = connect(PullbackMetric(decoder.double()), start.double(), end.double()).length
    assert ((path.length - exact).abs() <= path.length_error).all()


@pytest.mark.parametrize("units", [[1e3, 1.0, 1.0], [1e-3, 1.0, 1e3]])
def test_results_do_not_depend_on_the_units_of_single_coordinates(units):
    decoder = MLP(3, 12, hidden=(16, 16)).requires_grad_(False).double()
    for weight in decoder.parameters():
        weight *= 2
    unit = torch.tensor(units, dtype=torch.float64)
    start, end = torch.randn(2, 4, 3, dtype=torch.float64)
    plain = connect(PullbackMetric(decoder), start, end)
    scaled = connect(PullbackMetric(lambda z: decoder(z / unit)), unit * start, unit * end)
    assert torch.equal(scaled.iterations, plain.iterations)
    torch.testing.assert_close(scaled.length, plain.length, rtol=1e-12, atol=0)
    torch.testing.assert_close(scaled.points / unit, plain.points, rtol=1e-9, atol=1e-9)


def test_curves_that_became_straight_lines_are_exactly_as_long():
    layer = nn.Linear(2, 9).requires_grad_(False)
    start, end = 300 + torch.randn(2, 50, 2)
    path = connect(PullbackMetric(lambda z: layer(z) + 1), start, end)
    assert (path.straight_length >= path.length).all()


def test_double_precision_converges_in_eighty_dimensions():
    decoder = MLP(80, 100, hidden=(128,)).requires_grad_(False).double()
    start, end = torch.randn(2, 2, 80, dtype=torch.float64)
    path = connect(PullbackMetric(decoder), start, end)
    assert path.converged.all()
    assert (path.iterations < 40).all()
    assert (path.straight_excess > 0).all()


def test_results_do_not_depend_on_how_many_matrices_fit_into_memory(decoder, monkeypatch):
    start, end = torch.randn(2, 5, 2, dtype=torch.float64)
    metric = PullbackMetric(decoder.double())
    together = connect(metric, start, end)
    monkeypatch.setattr(energy_minimum, "_MATRIX_NUMBERS", 2 * 65 * 4)
    apart = connect(metric, start, end)
    torch.testing.assert_close(apart.length, together.length, rtol=1e-9, atol=0)
    assert torch.equal(apart.converged, together.converged)


@pytest.mark.parametrize(("scale", "offset"), [(1, 1), (10, 1), (100, 10), (1, 100)])
def test_short_curves_are_as_long_as_the_rounding_of_their_decoder_allows(scale, offset):
    layers = MLP(2, 30, hidden=(32,)).requires_grad_(False)
    start, along = torch.randn(2, 20, 2)
    unit = measure(PullbackMetric(layers), torch.stack([start, start + 1e-2 * along], 1)).length
    end = start + 1e-5 * along / unit[:, None] / scale  # 1e-3 long
    metric = PullbackMetric(lambda z: scale * layers(z) + offset)
    path = connect(metric, start, end)
    rounding = torch.finfo(torch.float32).eps * metric.immersion(start).norm(dim=1)
    layers.double()
    exact = connect(metric, start.double(), end.double())
    assert path.converged.all()
    # 128 chords would add up to ten times that and more.
    assert ((path.length - exact.length).abs() <= 2 * rounding + 1e-5 * exact.length).all()
    assert ((path.straight_length - exact.length).abs() <= 2 * rounding + 1e-5 * exact.length).all()
    assert ((path.length - exact.length).abs() <= path.length_error).all()


def test_a_path_can_be_asked_for_one_time(decoder):
    start, end = torch.randn(2, 3, 2)
    path = connect(PullbackMetric(decoder), start, end)
    torch.testing.assert_close(path(0.5), path(torch.tensor([0.5]))[:, 0])
    torch.testing.assert_close(path(0), start)
    times = [0.0, 0.3, 1.0]
    torch.testing.assert_close(path(times), path(torch.tensor(times).double()))
    torch.testing.assert_close(path(np.array(times)), path(times))
    with pytest.raises(ValueError, match=r"times must lie in \[0, 1\]"):
        path(1.5)


def test_a_geodesic_that_ends_in_another_code_of_the_point_is_not_bent_to_this_one():
    """Beyond the antipode of a sphere's origin: the minimised curve stays, without convergence."""
    metric = ManifoldMetric(manifolds.Sphere(2))
    start, end = torch.tensor([[[2.8, 0.0]], [[3.5, 0.3]]], dtype=torch.float64)
    path = connect(metric, start, end, method="geodesic equation", segments=8)
    assert path.points.diff(dim=1).norm(dim=2).max() < 0.5
    torch.testing.assert_close(path.length, metric.distance(start, end), rtol=0.05, atol=0)
    assert not path.converged.any()
