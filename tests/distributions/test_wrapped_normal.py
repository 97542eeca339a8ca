import math

import numpy as np
import pytest
import scipy.stats
import torch
from torch.autograd import gradcheck
from torch.distributions import Independent, Normal
from torch.func import functional_call

from geolatent.distributions import WrappedNormal
from geolatent.manifolds import Euclidean, FlatTorus, Lorentz, PoincareBall, Product, Sphere

SPACES = [(Lorentz, -1.0), (Lorentz, -0.3), (PoincareBall, -1.0), (PoincareBall, -2.5)]


def located(manifold, coordinates):
    """The point with given normal coordinates at the origin."""
    coordinates = torch.as_tensor(coordinates, dtype=torch.float64)
    return manifold.from_normal_coordinates(manifold.origin(like=coordinates), coordinates)


def two_dimensional(kind, curvature, **options):
    m = kind(2, curvature)
    loc = located(m, [0.6, -0.5])
    return WrappedNormal(m, loc, torch.tensor([0.35, 0.6], dtype=torch.float64), **options)


@pytest.mark.parametrize(("kind", "curvature"), SPACES)
@pytest.mark.parametrize("location", [0.0, 0.4, -1.1])
def test_the_density_integrates_to_one_on_a_line(kind, curvature, location, quadrature):
    m = kind(1, curvature)
    scale = torch.tensor([0.5], dtype=torch.float64)
    y, volume = quadrature(m)
    density = WrappedNormal(m, located(m, [location]), scale).log_prob(y).exp()
    assert float((density * volume).sum()) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize(("kind", "curvature"), SPACES)
@pytest.mark.parametrize("location", [(0.0, 0.0), (0.6, -0.5), (-1.0, 0.9)])
def test_the_density_integrates_to_one_on_a_plane(kind, curvature, location, quadrature):
    m = kind(2, curvature)
    scale = torch.tensor([0.4, 0.7], dtype=torch.float64)
    y, volume = quadrature(m)
    density = WrappedNormal(m, located(m, location), scale).log_prob(y).exp()
    assert float((density * volume).sum()) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(("kind", "curvature"), SPACES)
def test_samples_come_from_the_density(kind, curvature, quadrature):
    q = two_dimensional(kind, curvature)
    y, volume = quadrature(q.manifold)
    anchor = located(q.manifold, [-0.8, 0.3])

    def statistics(points):
        distance = q.manifold.distance(points, anchor)
        code = q.manifold.normal_coordinates(q.manifold.origin(like=points), points)
        return torch.stack(
            [q.log_prob(points), distance, *code.unbind(-1), *code.square().unbind(-1)]
        )

    samples = statistics(q.sample((40_000,)))
    weights = q.log_prob(y).exp() * volume
    expected = (statistics(y) * weights).sum(dim=-1)
    error = samples.std(dim=-1) / math.sqrt(samples.shape[-1])
    # Six statistics, fixed seed: a deviation of 4 standard errors has probability 4e-4.
    assert (((samples.mean(dim=-1) - expected) / error).abs() < 4).all()


def test_the_two_models_give_the_same_density():
    densities = []
    for kind in (Lorentz, PoincareBall):
        q = two_dimensional(kind, -0.8)
        y = located(q.manifold, [[0.1, 0.2], [3.0, -4.0], [0.6, -0.5]])
        densities.append(q.log_prob(y))
    torch.testing.assert_close(*densities)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_on_flat_space_it_is_the_normal_itself(dtype):
    loc, scale = torch.randn(5, 3, dtype=dtype), torch.rand(3, dtype=dtype) + 0.1
    q = WrappedNormal(Euclidean(3), loc, scale)
    p = Independent(Normal(loc, scale), 1)
    y = torch.randn(7, 5, 3, dtype=dtype)
    torch.testing.assert_close(q.log_prob(y), p.log_prob(y))
    torch.manual_seed(3)
    sample = q.rsample((4,))
    torch.manual_seed(3)
    torch.testing.assert_close(sample, p.rsample((4,)))


@pytest.mark.parametrize(("kind", "curvature"), SPACES)
def test_gradients_in_location_and_scale(kind, curvature):
    m = kind(2, curvature)
    code = torch.tensor([[0.3, -0.2], [0.0, 0.0]], dtype=torch.float64, requires_grad=True)
    scale = torch.tensor([0.4, 0.9], dtype=torch.float64, requires_grad=True)
    # One of the points is the location itself, where the density is greatest.
    y = located(m, [[0.3, -0.2], [1.0, 0.4]])

    def log_prob(code, scale):
        return WrappedNormal(m, located(m, code), scale).log_prob(y)

    def rsample(code, scale):
        torch.manual_seed(0)
        return WrappedNormal(m, located(m, code), scale).rsample((3,))

    assert gradcheck(log_prob, (code, scale))
    assert gradcheck(rsample, (code, scale))


@pytest.mark.parametrize("kind", [Lorentz, PoincareBall])
@pytest.mark.parametrize("log_curvature", [-14.0, 0.0, 1.0])
@pytest.mark.parametrize("rotated", [False, True])
def test_gradients_in_the_curvature(kind, log_curvature, rotated):
    """Of points as distances from others, whose coordinates stand still or move with K."""
    scale = torch.tensor([0.4, 0.9], dtype=torch.float64)
    mean = torch.tensor([[0.3, -0.2], [1.0, 2.0]], dtype=torch.float64)
    other = torch.tensor([[0.5, 1.0], [0.1, -0.3]], dtype=torch.float64)

    class Drawn(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.m = kind(2, learn_curvature=True).double()

        def forward(self):
            torch.manual_seed(0)
            m = self.m
            q = WrappedNormal(m, m.point(mean), scale, axis=mean if rotated else None)
            y = q.rsample()
            away = m.distance(y, m.point(other))
            return q.log_prob(y), q.log_prob(y.clone()), q.log_prob(m.point(other)), m.code(y), away

    drawn = Drawn()
    (name,) = dict(drawn.named_parameters())
    theta = torch.tensor(log_curvature, dtype=torch.float64, requires_grad=True)
    assert gradcheck(lambda theta: functional_call(drawn, {name: theta}), theta)


def drawn_by_the_textbook(kind, curvature, mean, scale, rotated, count):
    """Codes of a wrapped normal in NumPy, by the formulae of the *other* model of the space."""
    rng = np.random.default_rng(11)
    radius = 1 / math.sqrt(-curvature)
    turn = np.eye(len(mean))
    if rotated:  # from the first axis to the mean, in the plane of the two
        a, b = turn[0], mean / np.linalg.norm(mean)
        wedge = np.outer(b, a) - np.outer(a, b)
        turn = turn + wedge + wedge @ wedge / (1 + a @ b)
    v = scale * rng.standard_normal((count, len(mean))) @ turn.T
    if kind is PoincareBall:
        return _on_the_hyperboloid(radius, mean, v)
    return _in_the_ball(radius, mean, v)


def _on_the_hyperboloid(radius, mean, v):
    """Nagano et al. (2019): transport of v from o to m, exponential map, logarithm at o."""

    def minkowski(a, b):
        return (a[..., 1:] * b[..., 1:]).sum(-1, keepdims=True) - a[..., :1] * b[..., :1]

    def exponential(x, u):
        length = np.sqrt(minkowski(u, u)) / radius
        return np.cosh(length) * x + np.sinh(length) / length * u

    origin = np.array([radius, *np.zeros(len(mean))])
    m = exponential(origin, np.array([0.0, *mean]))
    v = np.concatenate([np.zeros((len(v), 1)), v], axis=1)
    u = v + minkowski(m, v) / (radius**2 - minkowski(origin, m)) * (origin + m)
    y = exponential(m, u)
    spatial = np.linalg.norm(y[:, 1:], axis=1, keepdims=True)
    return radius * np.arccosh(y[:, :1] / radius) * y[:, 1:] / spatial


def _in_the_ball(radius, mean, v):
    """Mathieu et al. (2019): Möbius sum of the location and of exp_o v, logarithm at o."""

    def from_origin(u):
        length = np.linalg.norm(u, axis=-1, keepdims=True)
        return radius * np.tanh(length / (2 * radius)) * u / length

    m, p = from_origin(mean) / radius, from_origin(v) / radius
    both, square = (m * p).sum(-1, keepdims=True), (p * p).sum(-1, keepdims=True)
    upper = (1 + 2 * both + square) * m + (1 - m @ m) * p
    y = upper / (1 + 2 * both + m @ m * square)
    size = np.linalg.norm(y, axis=1, keepdims=True)
    return 2 * radius * np.arctanh(size) * y / size


@pytest.mark.parametrize(("kind", "curvature"), SPACES)
@pytest.mark.parametrize("rotated", [False, True])
def test_two_samples(kind, curvature, rotated):
    m = kind(3, curvature)
    mean, scale = np.array([-0.4, 1.1, 0.3]), np.array([0.3, 0.8, 0.5])
    code = torch.tensor(mean)
    axis = code if rotated else None
    q = WrappedNormal(m, m.point(code), torch.tensor(scale), axis=axis)
    ours = m.code(q.sample((4000,))).numpy()
    theirs = drawn_by_the_textbook(kind, curvature, mean, scale, rotated, 4000)
    directions = np.random.default_rng(2).standard_normal((3, 8))
    for statistic in (*directions.T, None):
        a, b = (
            np.linalg.norm(z, axis=1) if statistic is None else z @ statistic
            for z in (ours, theirs)
        )
        # Nine correlated looks at a fixed seed.
        assert scipy.stats.ks_2samp(a, b).pvalue > 1e-3


@pytest.mark.parametrize("kind", [Lorentz, PoincareBall])
def test_posterior_collapse_and_small_scales_stay_finite_in_float32(kind):
    m = kind(16)
    code = torch.zeros(4, 16)
    code[1:] = torch.tensor([1e-20, 0.1, 1.5])[:, None]
    code.requires_grad_()
    scale = torch.tensor([1e-6, 1e-3, 1.0, 1.0])[:, None].repeat(1, 16).requires_grad_()
    origin = m.origin(like=code)
    q = WrappedNormal(m, m.from_normal_coordinates(origin, code), scale)
    prior = WrappedNormal(m, origin, torch.ones(16))
    z = q.rsample((8,))
    divergence = q.log_prob(z) - prior.log_prob(z)
    divergence.sum().backward()
    assert divergence.dtype == torch.float32
    for t in (z, divergence, code.grad, scale.grad):
        assert torch.isfinite(t).all()


def test_shapes_of_batches():
    m = Lorentz(2)
    q = WrappedNormal(m, m.origin().expand(4, 1, 3), torch.ones(5, 2))
    assert (q.batch_shape, q.event_shape) == ((4, 5), (3,))
    assert q.rsample((7,)).shape == (7, 4, 5, 3)
    assert q.log_prob(q.sample()).shape == (4, 5)
    assert q.log_prob(q.sample((7,))).shape == (7, 4, 5)
    wider = q.expand((6, 4, 5))
    assert wider.batch_shape == (6, 4, 5)
    assert wider.sample().shape == (6, 4, 5, 3)
    assert wider.manifold is m
    torch.testing.assert_close(wider.log_prob(q.mean), q.log_prob(q.mode).expand(6, 4, 5))
    assert not q.sample().requires_grad


def test_the_mean_is_the_frechet_mean(quadrature):
    q = two_dimensional(Lorentz, -1.0)
    y, volume = quadrature(q.manifold)
    weights = q.log_prob(y).exp() * volume
    towards = (q.manifold.normal_coordinates(q.mean, y) * weights[:, None]).sum(dim=0)
    torch.testing.assert_close(towards, torch.zeros_like(towards), rtol=0, atol=1e-7)


def test_it_runs_under_vmap_without_checks():
    m = PoincareBall(2)
    y = located(m, [[0.1, 0.2], [0.5, 0.5]])
    scale = torch.tensor([[0.3, 0.4], [1.0, 2.0]], dtype=torch.float64)
    loc = located(m, [0.2, 0.1])

    def log_prob(y, scale):
        return WrappedNormal(m, loc, scale, validate_args=False).log_prob(y)

    torch.testing.assert_close(torch.func.vmap(log_prob)(y, scale), log_prob(y, scale))


@pytest.mark.parametrize("value", [0.0, -0.5, math.nan, math.inf])
def test_a_scale_that_is_none_is_refused(value):
    m = Lorentz(2)
    scale = torch.ones(3, 2)
    scale[1:, 0] = value
    with pytest.raises(ValueError, match=f"scale .*2 of 6 entries.*first being {value:g}"):
        WrappedNormal(m, m.origin(), scale)
    WrappedNormal(m, m.origin(), scale, validate_args=False)


def test_a_location_that_diverged_is_refused():
    m = Lorentz(2)
    with pytest.raises(ValueError, match=r"loc .*1 of 3 entries"):
        WrappedNormal(m, torch.tensor([1.0, math.nan, 0.0]), torch.ones(2))


def test_shapes_that_do_not_fit_are_refused():
    m = Lorentz(2)
    with pytest.raises(ValueError, match=r"3 of a point .* 2 of its tangent space"):
        WrappedNormal(m, torch.zeros(2), torch.ones(2))


def test_values_are_checked_where_asked_for():
    q = two_dimensional(Lorentz, -1.0, validate_args=True)
    with pytest.raises(ValueError, match="support"):
        q.log_prob(torch.full((3,), math.nan, dtype=torch.float64))


@pytest.mark.parametrize(
    "manifold", [Sphere(2), FlatTorus(2), Product([Lorentz(2), Sphere(1)])], ids=str
)
def test_a_manifold_that_closes_up_on_itself_is_refused(manifold):
    with pytest.raises(ValueError, match=r"closes up on itself.*PowerSpherical"):
        WrappedNormal(manifold, manifold.origin(), torch.ones(manifold.dim))


@pytest.mark.parametrize(("kind", "curvature"), SPACES)
def test_what_is_faster_is_the_same(kind, curvature):
    m = kind(2, curvature)
    scale = torch.tensor([0.4, 0.9], dtype=torch.float64)
    at_origin = WrappedNormal(m, None, scale)
    y = at_origin.sample((10,))
    general = WrappedNormal(m, at_origin.loc, scale)
    torch.testing.assert_close(at_origin.log_prob(y.clone()), general.log_prob(y))
    q = WrappedNormal(m, located(m, [0.6, -0.5]), scale.requires_grad_())
    y = q.rsample((10,))
    known, computed = q.log_prob(y), q.log_prob(y.clone())
    torch.testing.assert_close(known, computed)
    gradients = [torch.autograd.grad(p.sum(), scale, retain_graph=True) for p in (known, computed)]
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize(("kind", "curvature"), SPACES)
def test_a_sample_without_a_graph_is_a_constant(kind, curvature):
    """Likelihood gradients of what was drawn are those of any other points."""
    m = kind(2, curvature)
    scale = torch.tensor([0.7, 0.4], dtype=torch.float64, requires_grad=True)
    q = WrappedNormal(m, located(m, [0.6, -0.5]), scale)
    drawn = q.sample((5,))
    (own,) = torch.autograd.grad(q.log_prob(drawn).sum(), scale)
    (other,) = torch.autograd.grad(q.log_prob(drawn.clone()).sum(), scale)
    assert torch.allclose(own, other, rtol=1e-9)


def rotation(axis):
    """Turns the first coordinate axis to a direction, in the plane of the two (Rodrigues)."""
    x, y = torch.zeros_like(axis), axis / axis.norm()
    x[0] = 1
    turn = torch.outer(y, x) - torch.outer(x, y)
    return torch.eye(len(axis), dtype=axis.dtype) + turn + turn @ turn / (1 + x @ y)


@pytest.mark.parametrize(
    "axis",
    [(2.0, 0.0, 0.0), (0.3, -0.5, 0.1), (-0.7, 0.2, 0.4), (-1e9, 3e5, 1.0), (-1.0, 1e-4, 0.0)],
)
def test_an_axis_turns_the_scales(axis):
    axis = torch.tensor(axis, dtype=torch.float64)
    scale = torch.tensor([0.2, 0.9, 1.7], dtype=torch.float64)
    r = rotation(axis)
    loc = torch.randn(3, dtype=torch.float64)
    oracle = torch.distributions.MultivariateNormal(loc, r @ scale.square().diag() @ r.T)
    q = WrappedNormal(Euclidean(3), loc, scale, axis=axis)
    y = torch.randn(20, 3, dtype=torch.float64)
    torch.testing.assert_close(q.log_prob(y), oracle.log_prob(y), rtol=1e-6, atol=1e-6)
    drawn = (q.sample((40_000,)) - loc).T.cov()
    torch.testing.assert_close(drawn, oracle.covariance_matrix, rtol=0, atol=0.1)


@pytest.mark.parametrize("axis", [(0.0, 0.0), (-1.0, 0.0), (-3.0, 0.0), (1e-30, 0.0)])
def test_an_axis_without_a_rotation_of_its_own_leaves_the_scales(axis):
    axis = torch.tensor(axis, requires_grad=True)
    scale = torch.tensor([0.3, 0.8])
    y = torch.randn(5, 2)
    turned = WrappedNormal(Euclidean(2), torch.zeros(2), scale, axis=axis).log_prob(y)
    torch.testing.assert_close(turned, WrappedNormal(Euclidean(2), None, scale).log_prob(y))
    (gradient,) = torch.autograd.grad(turned.sum(), axis)
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize(("kind", "curvature"), SPACES)
def test_a_turned_normal_on_curved_space(kind, curvature, quadrature):
    m = kind(2, curvature)
    code = torch.tensor([0.6, -0.5], dtype=torch.float64)
    scale = torch.tensor([0.6, 0.2], dtype=torch.float64)
    q = WrappedNormal(m, located(m, code), scale, axis=code)
    y, volume = quadrature(m)
    weights = q.log_prob(y).exp() * volume
    assert float(weights.sum()) == pytest.approx(1.0, abs=1e-6)
    # Along the geodesic from the origin through the location it is as wide as the first scale says.
    along, across = (m.normal_coordinates(q.loc, y) @ rotation(code)).unbind(-1)
    assert float((along.square() * weights).sum().sqrt()) == pytest.approx(0.6, abs=1e-4)
    assert float((across.square() * weights).sum().sqrt()) == pytest.approx(0.2, abs=1e-4)
    drawn = (m.normal_coordinates(q.loc, q.sample((20_000,))) @ rotation(code)).std(dim=0)
    torch.testing.assert_close(drawn, scale, rtol=0.03, atol=0)


def test_gradients_of_a_turned_normal():
    m = Lorentz(3)
    code = torch.tensor([[0.3, -0.2, 0.1], [-0.4, 0.1, 0.6]], dtype=torch.float64)
    scale = torch.tensor([0.4, 0.9, 0.2], dtype=torch.float64)
    y = located(m, [[0.3, -0.2, 0.5], [1.0, 0.4, -0.1]])

    def log_prob(code, scale):
        return WrappedNormal(m, located(m, code), scale, axis=code).log_prob(y)

    def rsample(code, scale):
        torch.manual_seed(0)
        return WrappedNormal(m, located(m, code), scale, axis=code).rsample((3,))

    assert gradcheck(log_prob, (code.requires_grad_(), scale.requires_grad_()))
    assert gradcheck(rsample, (code, scale))


def test_an_axis_that_does_not_fit_is_refused():
    m = Lorentz(2)
    with pytest.raises(ValueError, match=r"axis has shape \(3,\)"):
        WrappedNormal(m, None, torch.ones(2), axis=torch.ones(3))
    with pytest.raises(ValueError, match=r"axis .*1 of 2 entries"):
        WrappedNormal(m, None, torch.ones(2), axis=torch.tensor([math.nan, 1.0]))
    q = WrappedNormal(m, None, torch.ones(2), axis=torch.ones(4, 2))
    assert q.batch_shape == (4,)
    assert q.expand((5, 4)).sample().shape == (5, 4, 3)
