"""The exponential map against closed forms, scipy's integrator and its own invariants."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from geolatent.geodesics.exponential import exponential
from geolatent.manifolds import Lorentz, PoincareBall
from geolatent.metrics import EuclideanMetric, ManifoldMetric, Metric, PullbackMetric
from geolatent.networks import MLP, HyperbolicPatch, Sphere, Torus

# Greatest error of an end point relative to the geodesic's length: at the default tolerances of a
# step, 1e-5 and 1e-10, ten times less was measured (2e-6 with rounding, 2e-11).
END_ERROR = {torch.float32: 5e-6, torch.float64: 1e-10}


class ConformalBall(Metric):
    """Hyperbolic space of curvature −1 in the coordinates of the Poincaré ball, by its matrix."""

    def matrix(self, z):
        factor = 2 / (1 - z.square().sum(-1))
        return factor.square()[..., None, None] * torch.eye(z.shape[-1], dtype=z.dtype)


def _on_sphere(count, dtype=torch.float64, speed=1.0):
    """Codes, velocities, and the great circles they make at given times."""
    z = torch.rand(count, 2, dtype=torch.float64) * torch.tensor([0.6, 6.0]) - 0.3
    v = torch.randn(count, 2, dtype=torch.float64) * torch.tensor([0.4, 1.0]) * speed
    sphere = Sphere()
    x, u = torch.func.jvp(sphere, (z,), (v,))
    length = u.norm(dim=1, keepdim=True)

    def circle(t):
        angle = t[:, None] * length[:, None]
        return angle.cos() * x[:, None] + angle.sin() * (u / length)[:, None]

    return z.to(dtype), v.to(dtype), length[:, 0], circle


@pytest.mark.parametrize("dtype", END_ERROR)
def test_great_circles(dtype):
    z, v, length, circle = _on_sphere(15, dtype)
    t = torch.tensor([1.0, 0.0, 0.3, 0.31, 0.9], dtype=torch.float64)
    result = exponential(PullbackMetric(Sphere()), z, v, t=t)
    assert result.converged.all()
    error = (Sphere()(result.end.double()) - circle(t)[:, 0]).norm(dim=1) / length
    assert error.max() < END_ERROR[dtype]
    # Between the steps the order is 7.
    dense = (Sphere()(result.points.double()) - circle(t)).norm(dim=2) / length[:, None]
    assert dense.max() < 10 * END_ERROR[dtype]
    assert torch.equal(result.points[:, 0], result.end)
    assert torch.equal(result.points[:, 1], z)
    torch.testing.assert_close(result.speed.double(), length, rtol=1e-5, atol=0)
    assert result.speed_drift.max() < END_ERROR[dtype]
    assert result.end.dtype == dtype


def test_torus_is_that_of_scipy_to_1e9():
    z, v = 2 * torch.randn(2, 8, 2, dtype=torch.float64)

    def equation(t, state):
        u, _, a, b = state
        ring = 2 + np.cos(u)
        return [a, b, -ring * np.sin(u) * b**2, 2 * np.sin(u) / ring * a * b]

    expected = [
        solve_ivp(
            equation, (0, 1), [*x.tolist(), *w.tolist()], method="DOP853", rtol=1e-12, atol=1e-13
        ).y[:, -1]
        for x, w in zip(z, v, strict=True)
    ]
    result = exponential(PullbackMetric(Torus()), z, v)
    found = torch.cat([result.end, result.velocity], 1)
    torch.testing.assert_close(found, torch.tensor(np.array(expected)), rtol=1e-9, atol=1e-9)


def test_smaller_tolerances_give_smaller_errors_and_drifts():
    z, v, length, circle = _on_sphere(10, speed=4.0)
    metric, t = PullbackMetric(Sphere()), torch.ones(1, dtype=torch.float64)
    errors, drifts, steps = [], [], []
    for tolerance in (1e-2, 1e-5, 1e-8):
        result = exponential(metric, z, v, tolerance=tolerance)
        errors.append(((Sphere()(result.end) - circle(t)[:, 0]).norm(dim=1) / length).max())
        drifts.append(result.speed_drift.max())
        steps.append(result.steps.sum())
    for wide, narrow in ((0, 1), (1, 2)):
        assert errors[narrow] < 0.1 * errors[wide]
        assert drifts[narrow] < 0.1 * drifts[wide]
        assert steps[narrow] > steps[wide]


def test_matrix_metric_is_the_poincare_ball():
    ball = PoincareBall(3)
    z = 0.4 * torch.randn(6, 3, dtype=torch.float64).clamp(-1, 1)
    v = 0.3 * torch.randn(6, 3, dtype=torch.float64)
    result = exponential(ConformalBall(), z, v)
    torch.testing.assert_close(result.end, ball.exp(z, v), rtol=0, atol=1e-9)
    torch.testing.assert_close(result.velocity, ball.transport(z, result.end, v), rtol=0, atol=1e-8)


def test_poincare_ball_of_geomstats():
    from geomstats.geometry.poincare_ball import PoincareBall as Reference

    z = 0.3 * torch.randn(4, 2, dtype=torch.float64).clamp(-1, 1)
    v = 0.3 * torch.randn(4, 2, dtype=torch.float64)
    expected = Reference(2).metric.exp(v.numpy(), z.numpy())
    result = exponential(ConformalBall(), z, v)
    torch.testing.assert_close(result.end, torch.as_tensor(expected), rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    "metric", [EuclideanMetric(), ManifoldMetric(Lorentz(3)), ManifoldMetric(PoincareBall(3, -0.3))]
)
def test_closed_forms(metric):
    z, v = torch.randn(2, 10, 3, dtype=torch.float64)
    t = torch.linspace(0, 1, 5, dtype=torch.float64)
    result = exponential(metric, z, v, t=t)
    assert (result.steps == 0).all()
    torch.testing.assert_close(metric.distance(z, result.end), result.speed, rtol=1e-9, atol=0)
    torch.testing.assert_close(result.points, metric.geodesic(z, result.end, t))
    # Turned round, a geodesic runs back to where it came from.
    back = exponential(metric, result.end, -result.velocity)
    torch.testing.assert_close(back.end, z, rtol=0, atol=1e-9)
    torch.testing.assert_close(back.velocity, -v, rtol=0, atol=1e-8)


def test_integrated_lorentz_is_its_closed_form():
    class MatrixOnly(Metric):
        def matrix(self, z):
            return metric.matrix(z)

    metric = ManifoldMetric(Lorentz(2))
    z, v = torch.randn(2, 1, 2, dtype=torch.float64)
    result = exponential(MatrixOnly(), z, v, tolerance=1e-7)
    torch.testing.assert_close(result.end, exponential(metric, z, v).end, rtol=0, atol=1e-6)


@pytest.mark.parametrize("size", [1, 2, 5, 10])
def test_decoders_run_back_to_where_they_came_from(size):
    decoder = MLP(size, 30, hidden=(32, 32)).double().requires_grad_(False)
    metric = PullbackMetric(decoder)
    z, v = 0.5 * torch.randn(2, 4, size, dtype=torch.float64)
    there = exponential(metric, z, v, tolerance=1e-7)
    assert there.converged.all()
    assert there.speed_drift.max() < 1e-7
    back = exponential(metric, there.end, -there.velocity, tolerance=1e-7)
    torch.testing.assert_close(back.end, z, rtol=0, atol=1e-5)


def test_times_are_fractions_of_the_velocity():
    metric = PullbackMetric(HyperbolicPatch())
    z = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    v = torch.tensor([[0.3, 1.0]], dtype=torch.float64)
    points = exponential(metric, z, v, t=torch.tensor([0.17, 0.6], dtype=torch.float64)).points
    for index, fraction in enumerate((0.17, 0.6)):
        torch.testing.assert_close(points[:, index], exponential(metric, z, fraction * v).end)


def test_results_do_not_depend_on_the_batch():
    metric = PullbackMetric(Sphere())
    z, v, _, _ = _on_sphere(8)
    together = exponential(metric, z, v)
    assert together.steps.min() < together.steps.max()
    for i in range(0, 8, 3):
        alone = exponential(metric, z[i : i + 1], v[i : i + 1])
        assert alone.steps[0] == together.steps[i]
        torch.testing.assert_close(alone.end[0], together.end[i], rtol=1e-11, atol=1e-13)


def test_results_do_not_depend_on_the_units():
    z, v, _, _ = _on_sphere(5)
    plain = exponential(PullbackMetric(Sphere()), z, v)
    units = torch.tensor([1e-5, 1e4], dtype=torch.float64)
    scaled = exponential(PullbackMetric(lambda x: 1e3 * Sphere()(x / units)), units * z, units * v)
    assert torch.equal(scaled.steps, plain.steps)
    torch.testing.assert_close(scaled.end / units, plain.end, rtol=1e-9, atol=1e-11)


class TestFailures:
    def test_a_geodesic_that_leaves_in_finite_time_fails_alone(self):
        """tanh z moves at constant speed, so that velocity 2 reaches infinity at time ½."""
        metric = PullbackMetric(torch.tanh)
        z = torch.zeros(3, 1, dtype=torch.float64)
        v = torch.tensor([[0.5], [2.0], [0.9]], dtype=torch.float64)
        t = torch.tensor([0.25, 0.75], dtype=torch.float64)
        result = exponential(metric, z, v, t=t, tolerance=1e-5)
        assert result.converged.tolist() == [True, False, True]
        # Near infinity the metric is singular to working precision: 1 − tanh² = 1e-8.
        assert 0.499 < result.reached[1] < 0.5
        assert result.reached[[0, 2]].tolist() == [1, 1]
        expected = torch.atanh(v[[0, 2]])
        torch.testing.assert_close(result.end[[0, 2]], expected, rtol=0, atol=1e-5)
        assert result.end[1].isnan().all()
        assert result.velocity[1].isnan().all()
        assert result.points[1, :, 0].isnan().tolist() == [False, True]
        assert result.steps[1] < 150  # given up, not stalled

    def test_a_speed_that_is_not_kept_is_no_convergence(self):
        """Codes in float32 end at 1 − 6e-8, some 17 units from the middle of the ball."""
        z = torch.zeros(2, 2)
        v = torch.tensor([[1.0, 0.5], [9.5, 3.0]])  # lengths are twice these
        result = exponential(ConformalBall(), z, v)
        assert result.converged.tolist() == [True, False]
        assert result.speed_drift[1] > 0.05
        assert result.end.isfinite().all(1).tolist() == [True, False]

    def test_nan_spoils_its_own_geodesic_only(self):
        def decoder(z):
            return torch.where(z[..., :1] > 1, torch.nan, Sphere()(z))

        z = torch.tensor([[0.0, 0.0], [0.0, 0.0], [1.2, 0.0]], dtype=torch.float64)
        v = torch.tensor([[0.5, 1.0], [1.2, 0.1], [0.0, 1.0]], dtype=torch.float64)
        result = exponential(PullbackMetric(decoder), z, v, tolerance=1e-6)
        assert result.converged.tolist() == [True, False, False]
        clean = exponential(PullbackMetric(Sphere()), z[:1], v[:1], tolerance=1e-6)
        torch.testing.assert_close(result.end[:1], clean.end)
        assert 0.8 < result.reached[1] < 0.84  # z₀ = 1 at 0.83
        assert result.reached[2] == 0

    def test_rank_deficient_metric(self):
        metric = PullbackMetric(lambda z: z[..., :1] + z[..., 1:])
        result = exponential(metric, torch.zeros(2, 2), torch.tensor([[1.0, 0.0], [1.0, -1.0]]))
        assert result.converged.tolist() == [False, False]
        assert result.reached.tolist() == [0, 0]
        assert result.end.isnan().all()

    def test_budget_of_steps(self):
        z = torch.tensor([[0.5, 0.0]], dtype=torch.float64).expand(2, 2)
        v = torch.tensor([[0.0, 0.1], [0.0, 5.0]], dtype=torch.float64)
        result = exponential(PullbackMetric(Sphere()), z, v, max_steps=4)
        assert result.converged.tolist() == [True, False]
        assert result.steps.tolist() == [4, 4]
        assert 0 < result.reached[1] < 1

    @pytest.mark.parametrize("metric", [PullbackMetric(Sphere()), EuclideanMetric()])
    def test_zero_velocity_and_zero_items(self, metric):
        z = torch.rand(2, 2)
        result = exponential(metric, z, torch.zeros_like(z), t=torch.linspace(0, 1, 3))
        assert torch.equal(result.end, z)
        assert torch.equal(result.points, z[:, None].expand(2, 3, 2))
        assert result.converged.all()
        assert (result.speed == 0).all()
        empty = exponential(metric, z[:0], z[:0], t=torch.linspace(0, 1, 3))
        assert empty.points.shape == (0, 3, 2)

    @pytest.mark.parametrize(
        ("z", "v", "options", "message"),
        [
            (torch.zeros(2, 3), torch.zeros(2, 2), {}, r"\(2, 3\) and \(2, 2\)"),
            (torch.zeros(2, 2), torch.zeros(2, 2).double(), {}, "convert one of them"),
            (torch.zeros(2, 1), torch.tensor([[0.0], [math.inf]]), {}, "velocity has 1.*row 1"),
            (torch.zeros(1, 1).long(), torch.zeros(1, 1).long(), {}, "floating point"),
            (torch.zeros(1, 1), torch.zeros(1, 1), {"tolerance": 0.0}, "tolerance"),
            (torch.zeros(1, 1), torch.zeros(1, 1), {"max_steps": 0}, "max_steps"),
            (torch.zeros(1, 1), torch.zeros(1, 1), {"t": torch.tensor([2.0])}, "larger velocity"),
        ],
    )
    @pytest.mark.usefixtures("as_in_production")
    def test_refuses_what_does_not_fit(self, z, v, options, message):
        with pytest.raises(ValueError, match=message):
            exponential(EuclideanMetric(), z, v, **options)


def test_leaves_codes_and_random_state_alone():
    z, v = torch.rand(2, 2, 2).requires_grad_()
    before, state = z.detach().clone(), torch.get_rng_state()
    result = exponential(PullbackMetric(Torus()), z, v)
    assert torch.equal(z, before)
    assert torch.equal(torch.get_rng_state(), state)
    assert not result.end.requires_grad


def test_gives_up_soon_what_runs_to_infinity_in_finite_length():
    """In the coordinates tanh z the plane is a square: what goes straight leaves it at length 1."""
    start = torch.zeros(2, 2, dtype=torch.float64)
    velocity = torch.tensor([[1.6, 0.0], [0.8, 0.1]], dtype=torch.float64)
    result = exponential(PullbackMetric(torch.tanh), start, velocity)
    assert result.converged.tolist() == [False, True]
    assert result.reached[0] == pytest.approx(1 / 1.6, abs=5e-3)
    assert result.steps[0] <= 100  # 240 would bring it to where its steps are the shortest
