"""Laws of every latent space; a new one gets its tests by being listed."""

import math

import pytest
import torch
from torch.autograd import gradcheck
from torch.distributions import Normal, kl_divergence
from torch.func import functional_call

from geolatent.latents import (
    BareDecoder,
    EuclideanSpace,
    ProductSpace,
    RiemannianNormalSpace,
    SphereSpace,
    TorusSpace,
    WrappedNormalSpace,
    as_latent_model,
)
from geolatent.latents.posterior_scale import posterior_scale
from geolatent.manifolds import Euclidean, FlatTorus, Lorentz, PoincareBall, Sphere
from geolatent.metrics import EuclideanMetric

SPACES = {
    "euclidean": lambda: EuclideanSpace(3, prior_scale=1.5),
    "wrapped euclidean": lambda: WrappedNormalSpace(Euclidean(3), prior_scale=1.5),
    "lorentz": lambda: WrappedNormalSpace(Lorentz(3, curvature=-0.5)),
    "lorentz, tangent features": lambda: WrappedNormalSpace(Lorentz(3), features="tangent"),
    "lorentz, rotated": lambda: WrappedNormalSpace(Lorentz(3, curvature=-0.5), rotated=True),
    "poincaré": lambda: WrappedNormalSpace(PoincareBall(3)),
    "learned curvature": lambda: WrappedNormalSpace(PoincareBall(3, learn_curvature=True)),
    "lorentz, riemannian": lambda: RiemannianNormalSpace(Lorentz(3, curvature=-0.5)),
    "poincaré, riemannian": lambda: RiemannianNormalSpace(PoincareBall(3), features="tangent"),
    "sphere": lambda: SphereSpace(Sphere(3, curvature=0.5)),
    "sphere, von mises-fisher": lambda: SphereSpace(Sphere(3), posterior="von_mises_fisher"),
    "sphere, learned curvature": lambda: SphereSpace(
        Sphere(3, curvature=0.5, learn_curvature=True), prior_scale=0.8
    ),
    "torus": lambda: TorusSpace(3),
    "product": lambda: ProductSpace(
        [
            WrappedNormalSpace(Lorentz(2, learn_curvature=True)),
            SphereSpace(Sphere(2, learn_curvature=True), prior_scale=1.0),
            EuclideanSpace(2),
        ]
    ),
}


@pytest.fixture(params=SPACES)
def space(request):
    return SPACES[request.param]().double()


def codes(space, *batch, reach=1.0):
    return reach * torch.randn(*batch, space.dim, dtype=torch.float64).clamp(-1.7, 1.7)


def parameters(space, *batch):
    return torch.randn(*batch, space.parameter_size, dtype=torch.float64)


def test_codes_and_points_are_inverse(space):
    z = codes(space, 4, 5)
    torch.testing.assert_close(space.code(space.point(z)), z)


def test_sizes_are_what_they_say(space):
    p = parameters(space, 4)
    point = space.posterior(p).rsample()
    assert space.features(point).shape == (4, space.feature_size)
    assert space.code(point).shape == space.location(p).shape == (4, space.dim)
    assert point.shape == space.point(space.location(p)).shape


def test_posterior_is_around_its_location(space):
    """Where it is greatest; the means of samples are the law of the distributions' own tests."""
    p = parameters(space, 4)
    posterior = space.posterior(p)
    torch.testing.assert_close(space.code(posterior.mode), space.location(p))
    z = space.location(p) + 1e-3 * torch.randn(10, 4, space.dim, dtype=torch.float64)
    at_mode = posterior.log_prob(space.point(space.location(p)))
    assert (posterior.log_prob(space.point(z)) <= at_mode + 1e-12).all()


def test_gradients_reach_every_parameter_of_the_posterior(space):
    p = parameters(space, 64).requires_grad_()
    posterior, prior = space.posterior(p), space.prior()
    x = posterior.rsample()
    loss = space.features(x).square().sum() + (posterior.log_prob(x) - prior.log_prob(x)).sum()
    loss.backward()
    assert torch.isfinite(p.grad).all()
    assert (p.grad.abs().amax(0) > 0).all()
    for parameter in space.parameters():
        assert parameter.grad.abs() > 0


def test_prior_and_posterior_have_the_same_reference_measure(space):
    """E_q[p(x) / q(x)] = 1 for a posterior that covers the prior."""
    p = torch.zeros(space.parameter_size, dtype=torch.float64)
    posterior = space.posterior(p)
    x = posterior.sample((20_000,))
    ratio = (space.prior().log_prob(x) - posterior.log_prob(x)).exp().detach()
    # From the other side as well: one of the two has lighter tails.
    y = space.prior().sample((20_000,))
    other = (posterior.log_prob(y) - space.prior().log_prob(y)).exp().detach()
    for share in (ratio, other):
        error = float(share.std()) / math.sqrt(len(share))
        if error < 0.05:
            assert float(share.mean()) == pytest.approx(1.0, abs=5 * error + 1e-6)
    assert min(float(ratio.std()), float(other.std())) < 0.05 * math.sqrt(20_000)


def test_zero_parameters_give_the_origin(space):
    p = torch.zeros(space.parameter_size, dtype=torch.float64)
    torch.testing.assert_close(space.location(p), torch.zeros(space.dim).double())


def test_zero_parameters_give_the_unit_posterior():
    for make in (lambda: EuclideanSpace(3), lambda: WrappedNormalSpace(Lorentz(3))):
        space = make().double()
        posterior = space.posterior(torch.zeros(space.parameter_size, dtype=torch.float64))
        x = space.point(codes(space, 20))
        # MINIMUM_SCALE is added to the unit scale.
        torch.testing.assert_close(
            posterior.log_prob(x), space.prior().log_prob(x), atol=5e-3, rtol=0
        )


SPHERE_POSTERIORS = ["power_spherical", "von_mises_fisher"]


class Divergence(torch.nn.Module):
    """Of the posteriors of a sphere from its prior, as a function of log K and parameters."""

    def __init__(self, posterior):
        super().__init__()
        sphere = Sphere(2, learn_curvature=True)
        self.space = SphereSpace(sphere, posterior=posterior, prior_scale=0.7).double()

    def forward(self, p):
        return kl_divergence(self.space.posterior(p), self.space.prior())

    def at(self, log_curvature, p):
        (name,) = dict(self.named_parameters())
        return functional_call(self, {name: log_curvature}, (p,))


@pytest.mark.parametrize("posterior", SPHERE_POSTERIORS)
def test_the_curvature_of_a_sphere_is_learned_against_its_prior(posterior):
    p = torch.randn(5, 4, dtype=torch.float64)
    theta = torch.tensor(-0.4, dtype=torch.float64, requires_grad=True)

    divergence = Divergence(posterior)
    assert gradcheck(lambda theta: divergence.at(theta, p), theta)
    for row in divergence.at(theta, p):
        (slope,) = torch.autograd.grad(row, theta, retain_graph=True)
        assert abs(float(slope)) > 1e-3


@pytest.mark.parametrize("posterior", SPHERE_POSTERIORS)
def test_a_large_sphere_is_flat(posterior):
    p = torch.randn(5, 4, dtype=torch.float64)
    on_sphere = Divergence(posterior).at(torch.tensor(-24.0, dtype=torch.float64), p)
    # The first of the numbers for the location points off the tangent plane, and counts for w/R.
    posteriors = Normal(p[:, 1:3], posterior_scale(p[:, 3:]).expand(-1, 2))
    flat = kl_divergence(posteriors, Normal(torch.zeros(2).double(), 0.7)).sum(dim=-1)
    torch.testing.assert_close(on_sphere, flat, rtol=0, atol=1e-4)


def test_under_the_uniform_prior_only_the_scale_in_radians_counts():
    p = torch.zeros(1, 4, dtype=torch.float64)
    small, large = (SphereSpace(Sphere(2, curvature)).double() for curvature in (100.0, 1.0))
    p[0, 3] = -5.0
    narrow = kl_divergence(large.posterior(p), large.prior())
    assert kl_divergence(small.posterior(p), small.prior()) < narrow - 4
    p[0, 3] = torch.expm1(posterior_scale(p[0, 3]) / 10 - 1e-4).log() - math.log(math.expm1(1.0))
    torch.testing.assert_close(kl_divergence(small.posterior(p), small.prior()), narrow)
    with pytest.raises(ValueError, match=r"uniform prior.*none to learn"):
        SphereSpace(Sphere(2, learn_curvature=True))


def test_a_product_learns_the_curvature_of_every_part():
    space = SPACES["product"]().double()
    posterior, prior = space.posterior(parameters(space, 256)), space.prior()
    x = posterior.rsample()
    divergence = (posterior.log_prob(x) - prior.log_prob(x)).mean()
    slopes = torch.autograd.grad(divergence, list(space.parameters()))
    assert len(slopes) == 2
    assert min(abs(float(slope)) for slope in slopes) > 1e-2


def test_distances_from_the_origin_are_norms_of_codes(space):
    z = codes(space, 6)
    torch.testing.assert_close(space.metric.distance(torch.zeros_like(z), z), z.norm(dim=-1))


def test_geodesics_go_through_the_cut_without_a_jump(space):
    """Their points are on the shortest way, their codes one after the other."""
    start, end = codes(space, 6, reach=2.2), codes(space, 6, reach=2.2)
    if isinstance(space, SphereSpace | ProductSpace):
        start, end = 0.8 * start, 0.8 * end
    t = torch.linspace(0, 1, 201, dtype=torch.float64)
    path = space.metric.geodesic(start, end, t)
    length = space.metric.distance(start, end)
    torch.testing.assert_close(path[:, 0], start)
    torch.testing.assert_close(space.point(path[:, -1]), space.point(end))
    steps = space.metric.distance(path[:, :-1], path[:, 1:])
    torch.testing.assert_close(steps, (length / 200)[:, None].expand_as(steps))
    # A curve in codes: as long in the metric's matrix as on the manifold.
    middle, step = (path[:, 1:] + path[:, :-1]) / 2, path.diff(dim=1)
    square = torch.einsum("bti,btij,btj->bt", step, space.metric.matrix(middle), step)
    torch.testing.assert_close(square.sqrt().sum(1), length, rtol=5e-3, atol=0)


def test_follows_its_module_to_another_dtype(space):
    single = space.float()
    posterior = single.posterior(torch.zeros(2, single.parameter_size))
    sample = posterior.rsample()
    prior = single.prior()
    assert sample.dtype == prior.sample().dtype == torch.float32
    assert posterior.log_prob(sample).dtype == prior.log_prob(sample).dtype == torch.float32


@pytest.mark.parametrize("scale", [-1.0, 0.0, math.nan])
def test_refuses_a_bad_prior_scale(scale):
    for make in (
        lambda: EuclideanSpace(2, prior_scale=scale),
        lambda: WrappedNormalSpace(Lorentz(2), prior_scale=scale),
        lambda: RiemannianNormalSpace(Lorentz(2), prior_scale=scale),
        lambda: SphereSpace(Sphere(2), prior_scale=scale),
    ):
        with pytest.raises(ValueError, match="prior_scale"):
            make()


@pytest.mark.usefixtures("as_in_production")
def test_refuses_unknown_features_and_dimensions():
    with pytest.raises(ValueError, match="'ambient' or 'tangent'"):
        WrappedNormalSpace(Lorentz(2), features="poincare")
    with pytest.raises(ValueError, match="'ambient' or 'tangent'"):
        RiemannianNormalSpace(Lorentz(2), features="poincare")
    with pytest.raises(ValueError, match="dim"):
        EuclideanSpace(0)
    with pytest.raises(ValueError, match="'power_spherical' or 'von_mises_fisher'"):
        SphereSpace(Sphere(2), posterior="normal")


@pytest.mark.usefixtures("as_in_production")
def test_refuses_manifolds_that_do_not_fit():
    with pytest.raises(ValueError, match=r"closes up on itself.*SphereSpace"):
        WrappedNormalSpace(FlatTorus(2))
    with pytest.raises(TypeError, match=r"has to be a Sphere, got 2: Sphere\(2\)"):
        SphereSpace(2)
    with pytest.raises(TypeError, match="has to be a Sphere"):
        SphereSpace(Lorentz(2))
    with pytest.raises(TypeError, match="Lorentz or PoincareBall"):
        RiemannianNormalSpace(Euclidean(2))
    with pytest.raises(ValueError, match="at least one latent space"):
        ProductSpace([])


def test_an_encoder_can_follow_a_loop():
    """Angles all the way round from numbers that never jump."""
    space = TorusSpace(1)
    t = torch.linspace(0, 2 * math.pi, 50)
    raw = torch.stack([3 * t.cos() - 1, 3 * t.sin(), 0 * t], dim=-1)
    angles = space.location(raw)
    torch.testing.assert_close(
        space.features(angles), torch.stack([t.cos(), t.sin()], dim=-1), atol=1e-5, rtol=0
    )


def test_bare_decoder_is_assumed_flat():
    decoder = torch.nn.Linear(2, 5)
    model = as_latent_model(decoder)
    z = torch.randn(3, 2)
    assert isinstance(model, BareDecoder)
    assert isinstance(model.assumed_metric(), EuclideanMetric)
    assert torch.equal(model.decode(z), decoder(z))
    torch.testing.assert_close(
        model.induced_metric().matrix(z), (decoder.weight.mT @ decoder.weight).expand(3, 2, 2)
    )
    assert as_latent_model(model) is model


@pytest.mark.usefixtures("as_in_production")
def test_refuses_what_is_no_model():
    with pytest.raises(TypeError, match="expected a model or a decoder"):
        as_latent_model(3)
