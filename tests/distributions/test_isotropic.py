"""What every distribution that depends on the distance from its location has to satisfy."""

import math

import mpmath
import numpy as np
import pytest
import scipy.special
import scipy.stats
import torch
from torch.autograd import gradcheck
from torch.distributions import kl_divergence
from torch.func import functional_call

from geolatent.distributions import (
    PowerSpherical,
    ProductDistribution,
    RiemannianNormal,
    Uniform,
    VonMisesFisher,
)
from geolatent.manifolds import Euclidean, FlatTorus, Lorentz, PoincareBall, Sphere

FAMILIES = {
    "power spherical": (PowerSpherical, Sphere, 0.8, 4.0),
    "von mises-fisher": (VonMisesFisher, Sphere, 0.8, 4.0),
    "riemannian, lorentz": (RiemannianNormal, Lorentz, -0.6, 0.7),
    "riemannian, poincaré": (RiemannianNormal, PoincareBall, -0.6, 0.7),
}
SPHERICAL = [PowerSpherical, VonMisesFisher]


@pytest.fixture(params=FAMILIES)
def family(request):
    return FAMILIES[request.param]


def located(manifold, *coordinates):
    z = torch.tensor(coordinates, dtype=torch.float64)
    return manifold.from_normal_coordinates(manifold.origin(like=z), z)


def double(number):
    return torch.tensor(number, dtype=torch.float64)


@pytest.mark.parametrize("location", [(0.0, 0.0), (0.6, -0.5)])
@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("dim", [1, 2])
def test_the_density_integrates_to_one(family, dim, factor, location, quadrature):
    kind, space, curvature, spread = family
    m = space(dim, curvature)
    y, volume = quadrature(m)
    q = kind(m, located(m, *location[:dim]), double(spread * factor))
    total = (q.log_prob(y).exp() * volume).sum()
    # Of the grid: the density is sampled at some 30 points across in the narrowest case.
    assert float(total) == pytest.approx(1.0, abs=1e-7)


@pytest.mark.parametrize("dim", [1, 2])
def test_samples_come_from_the_density(family, dim, check_samples):
    kind, space, curvature, spread = family
    m = space(dim, curvature)
    q = kind(m, located(m, *(0.6, -0.5)[:dim]), double(spread))
    check_samples(q, located(m, *(-0.8, 0.3)[:dim]))


@pytest.mark.parametrize("kind", SPHERICAL)
@pytest.mark.parametrize(("dim", "concentration"), [(2, 5.0), (9, 0.3), (9, 200.0)])
def test_two_samples_on_spheres(kind, dim, concentration):
    """Against scipy's generator and, for the power spherical, a rejection sampler."""
    m = Sphere(dim)
    q = kind(m, m.origin(like=double(0.0)), double(concentration))
    ours = q.sample((4000,))[:, 0].numpy()
    rng = np.random.default_rng(3)
    if kind is VonMisesFisher:
        pole = np.eye(dim + 1)[0]
        theirs = scipy.stats.vonmises_fisher(pole, concentration).rvs(4000, random_state=rng)[:, 0]
    else:
        # cos²(θ/2) to the power κ, below one, as the chance to accept a normal proposal's angle
        # from its own power: t is drawn from a beta distribution by ratio of two gammas.
        a = rng.gamma(concentration + dim / 2, size=4000)
        b = rng.gamma(dim / 2, size=4000)
        theirs = 2 * a / (a + b) - 1
    assert scipy.stats.ks_2samp(ours, theirs).pvalue > 1e-3


@pytest.mark.parametrize(("dim", "scale"), [(2, 0.2), (2, 1.5), (7, 0.5), (30, 1.0)])
def test_two_samples_of_radii_in_hyperbolic_space(dim, scale):
    """Against the inverse of a distribution function on a fine grid."""
    m = Lorentz(dim, -0.5)
    q = RiemannianNormal(m, m.origin(like=double(0.0)), double(scale))
    ours = m.distance(q.loc, q.sample((4000,))).numpy()
    r = np.linspace(1e-9, dim * scale**2 + 12 * scale * math.sqrt(dim), 200_001)
    k = math.sqrt(0.5)
    log_density = -(r**2) / (2 * scale**2) + (dim - 1) * (k * r + np.log(-np.expm1(-2 * k * r)))
    cumulative = np.cumsum(np.exp(log_density - log_density.max()))
    u = np.random.default_rng(5).random(4000)
    theirs = np.interp(u, cumulative / cumulative[-1], r)
    assert scipy.stats.ks_2samp(ours, theirs).pvalue > 1e-3


@pytest.mark.parametrize("learned", ["location and spread", "curvature"])
def test_gradients(family, learned):
    kind, space, curvature, spread = family
    m = space(2, curvature, learn_curvature=True).double()
    name, theta = next(iter(m.named_parameters()))
    v = torch.tensor([[0.4, 0.1], [0.5, -1.0]], dtype=torch.float64)

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.m = m

        def forward(self, what, code, spread):
            origin = m.origin(like=code)
            q = kind(m, m.from_normal_coordinates(origin, code), spread.expand(2))
            if what == "log_prob":
                return q.log_prob(m.from_normal_coordinates(origin, v))
            torch.manual_seed(0)
            return q.rsample((3,))

    model = Model()

    def call(what):
        return lambda code, spread, theta: functional_call(
            model, {f"m.{name}": theta}, (what, code, spread)
        )

    code = torch.tensor([[0.3, -0.2], [0.1, 0.5]], dtype=torch.float64)
    inputs = [code, double(spread), theta.detach().clone()]
    for i, tensor in enumerate(inputs):
        tensor.requires_grad_((i == 2) == (learned == "curvature"))
    assert gradcheck(call("log_prob"), tuple(inputs))
    if kind in SPHERICAL and learned == "curvature":
        # Angles do not depend on the curvature, so that the same are drawn whatever it is.
        assert gradcheck(call("rsample"), tuple(inputs))


def quantile_function(kind, spread, curvature):
    """Radii in three dimensions and their distribution function, on a fine grid."""
    k = math.sqrt(abs(curvature))
    if kind is RiemannianNormal:
        r = np.linspace(0, 3 * spread**2 + 14 * spread, 400_001)
        log_bell, across = -(r**2) / (2 * spread**2), np.sinh(k * r)
    else:
        r = np.linspace(0, min(math.pi, 14 / math.sqrt(spread)), 400_001)[:-1]
        log_cos, sin = np.log(np.cos(r / 2)), np.sin(r / 2)
        log_bell = 2 * spread * (log_cos if kind is PowerSpherical else -(sin**2))
        across = np.sin(r)
        r = r / k
    density = np.exp(log_bell) * across**2
    cumulative = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    return r, cumulative / cumulative[-1]


@pytest.mark.parametrize(
    ("name", "side", "spread"),
    [(name, "spread", k) for name in list(FAMILIES)[:2] for k in (0.02, 4.0, 1e3, 1e5, 2e8)]
    + [(name, "spread", s) for name in list(FAMILIES)[2:] for s in (0.05, 0.7, 1.5)]
    + [(name, "curvature", 0.7) for name in list(FAMILIES)[2:]],
)
def test_radii_move_with_their_quantiles(name, side, spread):
    """dr/dθ against a difference of quantiles, which no seed can give for rejected proposals."""
    kind, space, curvature, _ = FAMILIES[name]
    m = space(3, curvature, learn_curvature=True).double()
    parameter = double(spread).requires_grad_()
    loc = m.origin(like=parameter).detach()
    # Each radius has a parameter of its own, so that the sum has all their derivatives.
    spreads = parameter.expand(40).clone()
    radii = kind(m, loc, spreads).sample_radius(torch.Size([40]))
    h = 1e-3
    if side == "spread":
        (ours,) = torch.autograd.grad(radii.sum(), spreads)
        ours = ours * spread
        pairs = [(spread * math.exp(s * h), curvature) for s in (-1, 1)]
    else:  # the parameter is log |K|
        theta = next(iter(m.parameters()))
        ours = torch.stack([torch.autograd.grad(r, theta, retain_graph=True)[0] for r in radii])
        pairs = [(spread, curvature * math.exp(s * h)) for s in (-1, 1)]
    radii = radii.detach().numpy()
    share = np.interp(radii, *quantile_function(kind, spread, curvature))
    ends = [np.interp(share, cdf, r) for r, cdf in (quantile_function(kind, *p) for p in pairs)]
    # Of the grid and of the difference, in units of the radius.
    expected = (ends[1] - ends[0]) / (2 * h) / radii
    np.testing.assert_allclose(ours.numpy() / radii, expected, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("kind", SPHERICAL)
@pytest.mark.parametrize("concentration", [0.05, 3.0, 300.0])
def test_divergence_from_uniform(kind, concentration, quadrature):
    m = Sphere(2, 0.8)
    y, volume = quadrature(m)
    q = kind(m, located(m, 0.6, -0.5), double(concentration))
    p = Uniform(m, like=double(0.0))
    log_q = q.log_prob(y)
    expected = (log_q.exp() * (log_q - p.log_prob(y)) * volume).sum()
    # At small concentrations the density has a kink at the antipode, which the grid sees.
    rtol = 2e-3 if concentration < 1 else 1e-6
    torch.testing.assert_close(kl_divergence(q, p), expected, rtol=rtol, atol=1e-9)
    spread = double(concentration).requires_grad_()
    assert gradcheck(lambda k: kl_divergence(kind(m, m.origin(like=k), k), p), spread)
    with pytest.raises(ValueError, match="different manifolds"):
        kl_divergence(q, Uniform(Sphere(2)))


@pytest.mark.parametrize("kind", SPHERICAL)
@pytest.mark.parametrize("concentration", [0.3, 5.0, 60.0])
def test_divergence_from_von_mises_fisher(kind, concentration, quadrature):
    m = Sphere(2, 0.8)
    y, volume = quadrature(m)
    q = kind(m, located(m, 0.6, -0.5), double(concentration))
    p = VonMisesFisher(m, located(m, -0.2, 0.4), double(2.5))
    log_q = q.log_prob(y)
    expected = (log_q.exp() * (log_q - p.log_prob(y)) * volume).sum()
    # At small concentrations the power spherical has a kink at the antipode, which the grid sees.
    rtol = 1e-3 if concentration < 1 else 1e-7
    torch.testing.assert_close(kl_divergence(q, p), expected, rtol=rtol, atol=1e-9)
    with pytest.raises(ValueError, match="different manifolds"):
        kl_divergence(q, VonMisesFisher(Sphere(2), Sphere(2).origin(), torch.tensor(1.0)))


@pytest.mark.parametrize("kind", SPHERICAL)
@pytest.mark.parametrize("dim", [2, 50])
@pytest.mark.parametrize(("curvature", "off"), [(1.0, 3e-3), (0.01, 3e-2)])
def test_narrow_densities_at_their_own_samples_in_float32(kind, dim, curvature, off):
    """Against the density in float64 at the radius that was drawn.

    A rounding of the coordinates moves a point of a distribution of scale 1e-4 by up to R 6e-8
    across: by up to 6e-4 R of these standard deviations.
    """
    m, wide = Sphere(dim, curvature), Sphere(dim, curvature).double()
    concentration = torch.full((2000,), (2 if kind is PowerSpherical else 1) / curvature * 1e8)
    q = kind(m, m.project(torch.randn(2000, dim + 1)), concentration)
    torch.manual_seed(1)
    ours = q.log_prob(q.sample()).double()
    torch.manual_seed(1)
    z = torch.zeros(2000, dim, dtype=torch.float64)
    z[:, 0] = q.sample_radius(torch.Size([2000]))
    exact = kind(wide, wide.origin(like=z), concentration.double())
    error = ours - exact.log_prob(wide.point(z))
    assert float(error.abs().max()) < off
    assert float(error.mean().abs()) < off / 20


@pytest.mark.parametrize("dim", [1, 2, 10, 49])
@pytest.mark.parametrize("concentration", [1e-3, 0.3, 10.0, 300.0, 1e4, 1.5e5])
def test_normalisers_in_float32(dim, concentration):
    """Values and slopes against Bessel and gamma functions of 40 digits."""
    m = Sphere(dim)
    nu, half = mpmath.mpf(dim - 1) / 2, mpmath.mpf(dim) / 2
    exact = {
        VonMisesFisher: lambda k: (
            -(nu + 1) * mpmath.log(2 * mpmath.pi)
            + nu * mpmath.log(k)
            + k
            - mpmath.log(mpmath.besseli(nu, k))
        ),
        PowerSpherical: lambda k: (
            mpmath.loggamma(k + dim)
            - mpmath.loggamma(k + half)
            - dim * mpmath.log(2)
            - half * mpmath.log(mpmath.pi)
        ),
    }
    for kind, log_density_at_mode in exact.items():
        kappa = torch.tensor(concentration, requires_grad=True)
        value = kind(m, m.origin(), kappa).log_prob(m.origin())
        value.backward()
        with mpmath.workdps(40):
            k = mpmath.mpf(float(kappa.detach()))
            expected = float(log_density_at_mode(k))
            slope = float(mpmath.diff(log_density_at_mode, k, h=k * mpmath.mpf(10) ** -12))
        assert value.dtype == torch.float32
        assert float(value.detach()) == pytest.approx(expected, rel=3e-7, abs=3e-7)
        assert float(kappa.grad) == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("dim", [1, 2, 3, 20])
@pytest.mark.parametrize("scale", [1e-3, 0.1, 1.0, 3.0])
def test_normaliser_of_the_riemannian_normal(dim, scale):
    """Against the sum of error functions of Mathieu et al., in 200 digits, where it cancels."""
    m = Lorentz(dim, -0.7)  # which stores what is needed of the integral
    origin = m.origin(like=double(0.0))
    ours = RiemannianNormal(m, origin, double(scale)).log_prob(origin)
    with mpmath.workdps(200):
        s, k = mpmath.mpf(scale), mpmath.sqrt(mpmath.mpf(float(-m.curvature)))
        total = mpmath.mpf(0)
        for j in range(dim):
            rate = (dim - 1 - 2 * j) * k * s
            total += (
                (-1) ** j
                * mpmath.binomial(dim - 1, j)
                * mpmath.exp(rate**2 / 2)
                * (1 + mpmath.erf(rate / mpmath.sqrt(2)))
            )
        area = 2 * mpmath.pi ** (mpmath.mpf(dim) / 2) / mpmath.gamma(mpmath.mpf(dim) / 2)
        z = area * mpmath.sqrt(mpmath.pi / 2) * s / (2 * k) ** (dim - 1) * total
        expected = -float(mpmath.log(z))
    assert float(ours) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("space", [Lorentz, PoincareBall])
@pytest.mark.parametrize("away", [0.0, 3.0])
@pytest.mark.parametrize(
    ("dim", "scale"), [(2, 0.5), (2, 1.8), (10, 0.9), (13, 0.5), (13, 0.8), (20, 0.65)]
)
def test_densities_at_samples_far_out_in_float32(space, dim, scale, away):
    """Against the density in float64 at the radius that was drawn, to the last that is held."""
    m, count = space(dim), 2000
    z = torch.zeros(count, dim)
    z[:, 0] = away
    q = RiemannianNormal(m, m.point(z), torch.full((count,), scale))
    torch.manual_seed(1)
    y = q.sample()
    torch.manual_seed(1)
    radius = q.sample_radius(torch.Size([count]))
    origin = m.origin(like=radius)
    height = RiemannianNormal(m, origin, double(scale)).log_prob(origin)
    expected = height - radius.square() / (2 * scale**2)
    rounding = 8 * torch.finfo(torch.float32).eps * (height.abs() + radius.square() / scale**2 + 1)
    assert ((q.log_prob(y).double() - expected).abs() < rounding).all()
    # Coordinates know a point at r to ε sinh r, and in the Lorentz model its distance from the
    # origin to ε r. Twice, since the location is rounded as well.
    outside = m.code(y).norm(dim=-1).double() + away
    assert float(outside.max()) - 2 * away < m.largest_radius(torch.float32)
    eps = torch.finfo(torch.float32).eps
    known = 4 * eps * (outside.sinh() if space is PoincareBall else (1 + math.sinh(away)) * outside)
    error = q.log_prob(y.clone()).double() - expected
    assert (error.abs() < rounding + known * radius / scale**2).all()


@pytest.mark.parametrize("learning", [False, True])
def test_the_radius_of_an_own_sample_is_known_where_coordinates_have_lost_it(learning):
    m = Lorentz(8)
    z = 35 * torch.nn.functional.normalize(torch.randn(50, 8), dim=-1)
    scale = torch.tensor(0.3, requires_grad=learning)
    q = RiemannianNormal(m, m.point(z), scale.expand(50))
    torch.manual_seed(1)
    y = q.rsample() if learning else q.sample()
    torch.manual_seed(1)
    radius = q.sample_radius(torch.Size([50]))
    wide = RiemannianNormal(m, m.origin(like=radius), double(0.3))
    expected = wide.log_prob(m.point(torch.nn.functional.pad(radius[:, None], (0, 7))))
    with torch.set_grad_enabled(learning):
        ours = q.log_prob(y)
    torch.testing.assert_close(ours.detach().double(), expected.detach(), rtol=1e-5, atol=1e-5)
    assert q.log_prob(y.detach().clone()).mean() < ours.mean() - 10
    together = ProductDistribution([q, RiemannianNormal(m, m.point(0 * z), scale.expand(50))])
    pair = together.rsample() if learning else together.sample()
    with torch.set_grad_enabled(learning):
        assert together.log_prob(pair).mean() > together.log_prob(pair.clone()).mean() + 10


@pytest.mark.parametrize("space", [Lorentz, PoincareBall])
def test_gradients_of_the_density_at_own_samples_are_those_of_other_points(space):
    m = space(3, learn_curvature=True).double()
    code = torch.tensor([0.4, -0.2, 0.3], dtype=torch.float64, requires_grad=True)
    scale = double(0.7).requires_grad_()
    inputs = [code, scale, *m.parameters()]

    def gradients(own, sample):
        torch.manual_seed(0)
        q = RiemannianNormal(m, m.point(code), scale)
        y = q.rsample((5,)) if sample == "rsample" else q.sample((5,))
        return torch.autograd.grad(
            q.log_prob(y if own else y.clone()).sum(), inputs, allow_unused=True
        )

    for sample in ("rsample", "sample"):
        for a, b in zip(gradients(True, sample), gradients(False, sample), strict=True):
            torch.testing.assert_close(
                torch.zeros_like(b) if a is None else a, b, atol=1e-9, rtol=1e-9
            )


def test_lorentz_and_poincare_give_the_same_density():
    densities = []
    for space in (Lorentz, PoincareBall):
        m = space(3, -0.8)
        q = RiemannianNormal(m, located(m, 0.6, -0.5, 0.1), double(0.8))
        densities.append(q.log_prob(located(m, 0.1, 2.0, -1.0)))
    torch.testing.assert_close(*densities)


def test_on_flat_space_it_is_the_isotropic_normal():
    y = torch.randn(5, 3, dtype=torch.float64)
    q = RiemannianNormal(Euclidean(3), torch.zeros(3).double(), double(0.7))
    expected = torch.distributions.Normal(0.0, double(0.7)).log_prob(y).sum(dim=-1)
    torch.testing.assert_close(q.log_prob(y), expected)
    assert float(q.sample((20_000,)).std()) == pytest.approx(0.7, rel=0.01)


def test_float32_batches_and_extremes_stay_finite(family):
    kind, space, curvature, _ = family
    m = space(8, curvature)
    code = 0.5 * torch.randn(5, 8)
    code[0] = 0
    spread = torch.tensor([1e-3, 0.1, 1.0, 2.0, 3.0])
    if kind is not RiemannianNormal:
        spread = spread**-2 * torch.tensor([1.0, 1.0, 1.0, 1.0, 1e-3])
    code.requires_grad_()
    spread.requires_grad_()
    q = kind(m, m.from_normal_coordinates(m.origin(like=code), code), spread)
    y = q.rsample((6,))
    assert (q.batch_shape, q.event_shape, y.shape) == (
        (5,),
        (m.ambient_dim,),
        (6, 5, m.ambient_dim),
    )
    (q.log_prob(y).sum() + y.sum()).backward()
    for t in (y, code.grad, spread.grad):
        assert t.dtype == torch.float32
        assert torch.isfinite(t).all()
    wider = q.expand((2, 5))
    assert wider.sample().shape == (2, 5, m.ambient_dim)
    torch.testing.assert_close(wider.log_prob(q.mean), q.log_prob(q.mode).expand(2, 5))


@pytest.mark.parametrize("name", [n for n in FAMILIES if n != "power spherical"])
def test_a_radius_that_is_not_a_number_is_handed_on(name):
    """Instead of being proposed for ever; nothing is rejected of a power spherical."""
    kind, space, curvature, _ = FAMILIES[name]
    m = space(3, curvature)
    q = kind(m, m.origin(), torch.tensor([math.nan, 1.0]), validate_args=False)
    radius = q.sample_radius(torch.Size([2]))
    assert radius.isnan().tolist() == [True, False]


@pytest.mark.parametrize("value", [0.0, -0.5, math.nan, math.inf])
def test_a_spread_that_is_none_is_refused(family, value):
    kind, space, curvature, _ = family
    m = space(2, curvature)
    with pytest.raises(ValueError, match=r"(scale|concentration) has to be positive"):
        kind(m, m.origin(), torch.tensor([1.0, value]))
    with pytest.raises(ValueError, match="coordinates"):
        kind(m, torch.zeros(7), torch.tensor(1.0))


@pytest.mark.usefixtures("as_in_production")
def test_spaces_that_do_not_fit_are_refused():
    with pytest.raises(TypeError, match="Lorentz or PoincareBall"):
        RiemannianNormal(Sphere(2), Sphere(2).origin(), torch.tensor(1.0))
    with pytest.raises(TypeError, match="no finite volume"):
        Uniform(Lorentz(2))


@pytest.mark.parametrize("manifold", [Sphere(1, 2.0), Sphere(2, 0.3), FlatTorus(2)], ids=str)
def test_uniform_distributions(manifold, quadrature):
    y, volume = quadrature(manifold)
    p = Uniform(manifold, like=y)
    assert float((p.log_prob(y).exp() * volume).sum()) == pytest.approx(1.0, abs=1e-12)
    assert float(p.entropy()) == pytest.approx(-float(p.log_prob(y)[0]))
    x = p.expand((3,)).sample((4000,))
    assert x.shape == (4000, 3, manifold.ambient_dim)
    # Distances from a point have the distribution that the volume gives them.
    anchor = y[5]
    ours = manifold.distance(anchor, x[:, 0]).numpy()
    theirs = manifold.distance(anchor, y).numpy()
    chosen = np.random.default_rng(0).choice(theirs, 4000, p=(volume / volume.sum()).numpy())
    assert scipy.stats.ks_2samp(ours, chosen).pvalue > 1e-3
