"""Closed forms on spaces that close up: codes beyond the cut, antipodes, ways around."""

import math

import pytest
import torch

from geolatent.geodesics import certify, connect, exponential, logarithm, measure
from geolatent.geodesics.geodesic_flow import geodesic_flow
from geolatent.manifolds import FlatTorus, Lorentz, Product, Sphere
from geolatent.metrics import ManifoldMetric

SPACES = {
    "sphere": Sphere(2),
    "larger sphere": Sphere(2, 0.25),
    "circle": Sphere(1),
    "torus": FlatTorus(2),
    "product": Product([FlatTorus(1), Sphere(2), Lorentz(2)]),
}


@pytest.fixture(autouse=True)
def double():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture(params=SPACES)
def metric(request):
    return ManifoldMetric(SPACES[request.param])


def _codes(metric, count, radius=1.0):
    codes = torch.randn(count, metric.manifold.dim)
    codes[:, :3] *= radius  # the hyperbolic part of the product rounds its distances far out
    return codes


def _same_points(metric, one, other, slack=1e-9):
    assert metric.distance(one, other).max() < slack


class TestExponential:
    # Beyond the cut at π, and in the second copy of the sphere beyond that.
    @pytest.mark.parametrize("radius", [4.5, 7.5])
    def test_agrees_with_an_integrator_that_knows_codes_only(self, radius):
        metric = ManifoldMetric(Sphere(2))
        angle = torch.rand(3) * 2 * math.pi
        start = radius * torch.stack([angle.cos(), angle.sin()], 1)
        velocity = torch.stack([-angle.sin(), angle.cos()], 1) * (0.4 + torch.rand(3, 1))
        velocity = velocity + 0.2 * start / radius
        t = torch.linspace(0, 1, 5)
        known = exponential(metric, start, velocity, t=t)
        solved = geodesic_flow(metric, start, velocity, t, tolerance=1e-11, max_steps=500)
        torch.testing.assert_close(known.end, solved.end, atol=1e-9, rtol=0)
        torch.testing.assert_close(known.velocity, solved.velocity, atol=1e-8, rtol=0)
        torch.testing.assert_close(known.points, solved.points, atol=1e-8, rtol=0)

    def test_clairaut(self):
        """r in [kπ, (k + 1)π] and φ: sin²r φ' is constant on a great circle."""
        metric = ManifoldMetric(Sphere(2))
        for radius in (1.0, 4.0):
            start = torch.tensor([[radius, 0.0]])
            velocity = torch.tensor([[0.3, 2.0]])
            t = torch.linspace(0, 1, 201)
            z = exponential(metric, start, velocity, t=t).points[0]
            phi, r = torch.atan2(z[:, 1], z[:, 0]), z.norm(dim=1)
            turn = torch.remainder(phi.diff() + math.pi, 2 * math.pi) - math.pi
            middle = (r[1:] + r[:-1]) / 2
            constant = middle.sin().square() * turn / t.diff()
            exact = math.sin(radius) ** 2 * 2.0 / radius
            torch.testing.assert_close(
                constant, torch.full_like(constant, exact), rtol=1e-2, atol=0
            )

    def test_ends_are_the_last_points_and_the_speed_is_kept(self, metric):
        start, velocity = _codes(metric, 20, 2.0), _codes(metric, 20, 2.0)
        found = exponential(metric, start, velocity, t=torch.tensor([1.0, 0.0, 0.5]))
        torch.testing.assert_close(found.points[:, 0], found.end, atol=1e-9, rtol=1e-9)
        torch.testing.assert_close(found.points[:, 1], start)
        at_end = torch.einsum(
            "bi,bij,bj->b", found.velocity, metric.matrix(found.end), found.velocity
        ).sqrt()
        torch.testing.assert_close(at_end, found.speed, rtol=1e-6, atol=1e-9)
        half = exponential(metric, start, velocity / 2)
        on = exponential(metric, half.end, half.velocity)
        _same_points(metric, on.end, found.end, 1e-6)

    def test_goes_straight_through_the_origin_and_its_antipode(self):
        metric = ManifoldMetric(Sphere(2))
        start = torch.tensor([[0.0, 0.0], [0.6, 0.8], [1.2, 1.6]])
        velocity = torch.tensor([[3.0, 4.0], [3.0, 4.0], [-3.0, -4.0]])
        found = exponential(metric, start, velocity)
        torch.testing.assert_close(found.end, start + velocity)
        torch.testing.assert_close(found.velocity, velocity)

    def test_goes_around_a_torus_as_often_as_the_velocity_says(self):
        start, velocity = torch.tensor([[3.0, -1.0]]), torch.tensor([[20.0, 9.0]])
        found = exponential(ManifoldMetric(FlatTorus(2)), start, velocity)
        assert torch.equal(found.end, start + velocity)


class TestLogarithm:
    def test_arrives_at_the_point_from_any_code_of_the_start(self, metric):
        start, end = _codes(metric, 40, 3.0), _codes(metric, 40, 3.0)
        found = logarithm(metric, start, end)
        assert found.converged.all()
        assert found.residual.max() < 1e-9
        torch.testing.assert_close(found.length, metric.distance(start, end))
        _same_points(metric, exponential(metric, start, found.velocity).end, end, 1e-7)

    def test_antipodes(self):
        metric = ManifoldMetric(Sphere(2))
        start = torch.tensor([[0.5, 0.0], [0.0, 0.0], [1.0, 1.0]])
        end = start - math.pi * torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.5**0.5, 0.5**0.5]])
        found = logarithm(metric, start, end)
        torch.testing.assert_close(found.length, torch.full((3,), math.pi))
        assert found.residual.max() < 1e-9

    def test_codes_of_one_point_are_at_no_distance(self):
        metric = ManifoldMetric(FlatTorus(2))
        start = torch.tensor([[1.0, -2.0]])
        found = logarithm(metric, start, start + 2 * math.pi)
        assert found.length.item() < 1e-12
        assert found.converged.all()

    def test_no_velocity_of_codes_leaves_the_antipode_sideways(self):
        metric = ManifoldMetric(Sphere(2))
        start, end = torch.tensor([[math.pi, 0.0]]), torch.tensor([[1.0, 1.0]])
        found = logarithm(metric, start, end)
        assert found.velocity.isnan().any()
        assert not found.converged.any()


class TestCertify:
    def test_closed_forms_certify_themselves(self, metric):
        start, end = _codes(metric, 10, 2.0), _codes(metric, 10, 2.0)
        verdict = certify(metric, connect(metric, start, end, segments=128))
        assert verdict.converged.all()
        assert verdict.residual.max() < 1e-9
        assert verdict.excess.abs().max() < 1e-6
        assert verdict.miss.nanmedian() < 1e-2  # of the initial slope of a spline

    @pytest.mark.parametrize("turns", [0.0, 1.0, 3.0])
    def test_around_a_torus(self, turns):
        """A line around the torus is a geodesic, and not the shortest one between its ends."""
        metric = ManifoldMetric(FlatTorus(2))
        start = torch.tensor([[1.0, 0.0]])
        way = torch.tensor([[4.0 + 2 * math.pi * turns, 1.0]])
        points = start.unsqueeze(1) + torch.linspace(0, 1, 33)[:, None] * way.unsqueeze(1)
        verdict = certify(metric, measure(metric, points))
        torch.testing.assert_close(verdict.length, way.norm(dim=1))
        assert verdict.excess.abs().item() < 1e-9
        assert verdict.miss.item() < 1e-9
        assert verdict.converged.all()

    @pytest.mark.parametrize("angle", [1.0, math.pi, 4.5, 2 * math.pi, 7.0])
    def test_around_a_sphere(self, angle):
        """Half great circles, whole ones, and more."""
        metric = ManifoldMetric(Sphere(2))
        start, velocity = torch.tensor([[1.0, 0.3]]), torch.tensor([[0.2, 1.0]])
        velocity = velocity * angle / exponential(metric, start, velocity).speed
        t = torch.linspace(0, 1, 257)
        path = measure(metric, exponential(metric, start, velocity, t=t).points)
        verdict = certify(metric, path)
        assert verdict.length.item() == pytest.approx(angle, rel=1e-6)
        assert verdict.excess.abs().item() < 1e-5
        assert verdict.miss.item() < 1e-3
        assert verdict.converged.all()

    def test_a_curve_that_is_no_geodesic_is_longer(self):
        metric = ManifoldMetric(FlatTorus(2))
        t = torch.linspace(0, 1, 65)
        points = torch.stack([5 * t, (math.pi * t).sin()], 1).unsqueeze(0)
        verdict = certify(metric, measure(metric, points))
        assert verdict.length.item() == pytest.approx(5)
        assert verdict.excess.item() > 0.05
