"""The learned metric, and Hamiltonian refinement against exact evidence."""

import math
from functools import partial

import pytest
import torch
from torch.distributions import MultivariateNormal

from geolatent.latents import (
    HamiltonianPosterior,
    Leapfrog,
    LearnedPriorSpace,
    RhvaeSpace,
    VampPrior,
)
from geolatent.likelihoods import Gaussian
from geolatent.metrics import RhvaeMetric
from geolatent.models import VAE, elbo, iwae, sample
from geolatent.networks import MLP
from geolatent.training import TrainingConfig, fit

SIZE = 4


def metric(count=12, dim=2, width=1.2):
    lower = torch.randn(count, dim, dim, dtype=torch.float64).tril()
    centroids = torch.randn(count, dim, dtype=torch.float64)
    return RhvaeMetric(centroids, lower @ lower.mT, temperature=width, regularisation=0.1)


def linear_joint(*batch):
    """x = A z + noise: log p(x, z) and log p(x) in closed form."""
    weight = 0.5 * torch.randn(SIZE, 2, dtype=torch.float64)
    x = torch.randn(*batch, 2, dtype=torch.float64) @ weight.mT

    def log_joint(z):
        noise = -0.5 * (x - z @ weight.mT).square().sum(-1) / 0.25 - SIZE * math.log(0.5)
        return noise - 0.5 * z.square().sum(-1) - (SIZE + 2) / 2 * math.log(2 * math.pi)

    covariance = weight @ weight.mT + 0.25 * torch.eye(SIZE, dtype=torch.float64)
    exact = MultivariateNormal(torch.zeros(SIZE).double(), covariance).log_prob(x)
    return log_joint, exact


def model(*, space=None, hidden=(16,), dtype=torch.float64):
    space = RhvaeSpace(2, centroids=10) if space is None else space
    encoder = MLP(SIZE, space.parameter_size, hidden=hidden)
    decoder = MLP(space.feature_size, SIZE, hidden=hidden)
    return VAE(encoder, space, decoder, Gaussian(0.5)).to(dtype)


class TestHamiltonianPosterior:
    @pytest.mark.parametrize("heat", [1.0, 0.3])
    def test_importance_weights_average_to_the_evidence(self, heat):
        """An error of the momentum's density, of tempering or of a volume would show as a bias."""
        count = 30_000
        log_joint, exact = linear_joint()
        leapfrog = Leapfrog(steps=3, step_size=0.08, inverse_temperature=heat, iterations=8)
        loc = torch.zeros(count, 2, dtype=torch.float64)
        posterior = HamiltonianPosterior(loc, loc + 0.7, metric(), leapfrog)
        with torch.no_grad():
            refined = posterior.refine(posterior.rsample(), log_joint)
        weight = (log_joint(refined.point) - refined.log_density - exact).exp()
        torch.testing.assert_close(refined.log_joint, log_joint(refined.point))
        error = float(weight.std()) / math.sqrt(count)
        assert error < 0.02
        assert float(weight.mean()) == pytest.approx(1, abs=4 * error)

    def test_refinement_tightens_the_bound(self):
        """From too wide a start, in the metric of the exact posterior."""
        log_joint, exact = linear_joint()
        zero = torch.zeros(1, 2, dtype=torch.float64)
        hessian = torch.autograd.functional.hessian(lambda z: -log_joint(z[None])[0], zero[0])
        g = RhvaeMetric(
            zero, torch.linalg.inv(hessian)[None], temperature=200.0, regularisation=1e-3
        )
        loc = zero.expand(4000, 2)
        bounds = []
        for step_size in (1e-6, 0.5):
            leapfrog = Leapfrog(steps=3, step_size=step_size, inverse_temperature=0.3)
            posterior = HamiltonianPosterior(loc, torch.ones_like(loc), g, leapfrog)
            with torch.no_grad():
                refined = posterior.refine(posterior.rsample(), log_joint)
            bounds.append(float((refined.log_joint - refined.log_density).mean()))
        gap, closer = (float(exact) - bound for bound in bounds)
        assert 0 < closer < 0.7 * gap

    def test_flow_keeps_volumes_up_to_its_tempering(self):
        log_joint, _ = linear_joint()
        g, leapfrog = metric(), Leapfrog(step_size=0.1, inverse_temperature=0.4, iterations=15)

        def end(state):
            z, momentum = state.view(1, 4).split(2, dim=-1)
            last = leapfrog.follow(g.at(z), momentum, log_joint)
            return torch.cat([last.local.z, last.momentum], dim=-1)[0]

        for _ in range(5):
            jacobian = torch.autograd.functional.jacobian(end, torch.randn(4).double())
            # d = 2: β₀^{d/2} is β₀.
            assert float(torch.linalg.det(jacobian)) == pytest.approx(0.4, rel=1e-8)

    def test_a_step_keeps_the_energy_to_second_order(self):
        log_joint, _ = linear_joint(20)
        g, z, momentum = metric(), torch.randn(20, 2).double(), torch.randn(20, 2).double()

        def energy(local, momentum):
            kinetic = (momentum * local.velocity(momentum)).sum(-1) / 2
            return kinetic - torch.logdet(local.inverse) / 2 - log_joint(local.z)

        errors = []
        for steps in (16, 32):
            leapfrog = Leapfrog(
                steps=steps, step_size=0.4 / steps, inverse_temperature=1.0, iterations=15
            )
            with torch.no_grad():
                end = leapfrog.follow(g.at(z), momentum, log_joint)
                change = energy(end.local, end.momentum) - energy(g.at(z), momentum)
            errors.append(change.abs().mean())
        assert errors[1] < 0.3 * errors[0]

    def test_a_short_flow_changes_nothing(self):
        """Then the momentum cancels, and log q is that of the normal."""
        log_joint, _ = linear_joint(5)
        loc = torch.randn(5, 2, dtype=torch.float64)
        leapfrog = Leapfrog(step_size=1e-9)
        posterior = HamiltonianPosterior(loc, 0.5 + 0 * loc, metric(), leapfrog)
        point = posterior.rsample()
        refined = posterior.refine(point, log_joint)
        torch.testing.assert_close(refined.point, point)
        torch.testing.assert_close(refined.log_density, posterior.log_prob(point))

    def test_gradients(self):
        """Of the bound, in everything that the encoder emits and the decoder has."""
        weight = torch.randn(SIZE, 2, dtype=torch.float64, requires_grad=True)
        x = torch.randn(3, SIZE, dtype=torch.float64)
        loc = torch.randn(3, 2, dtype=torch.float64, requires_grad=True)
        lower = torch.eye(2, dtype=torch.float64).repeat(3, 1, 1).requires_grad_()

        def bound(loc, lower, weight):
            torch.manual_seed(0)
            g = RhvaeMetric(loc, lower @ lower.mT, temperature=1.0, regularisation=0.1)
            leapfrog = Leapfrog(steps=2, step_size=0.1, iterations=2)
            posterior = HamiltonianPosterior(loc, torch.ones_like(loc), g, leapfrog)
            refined = posterior.refine(
                posterior.rsample(), lambda z: -(x - (z @ weight.mT).tanh()).square().sum(-1)
            )
            return refined.log_joint - refined.log_density

        assert torch.autograd.gradcheck(bound, (loc, lower, weight))

    @pytest.mark.parametrize(
        "options",
        [{"steps": 0}, {"iterations": 0}, {"step_size": -1.0}, {"inverse_temperature": 1.5}],
    )
    def test_refuses_numbers_out_of_range(self, options):
        with pytest.raises(ValueError, match=next(iter(options))):
            Leapfrog(**options)


class TestRhvaeSpace:
    def test_the_batch_stands_for_all_centroids_in_training(self):
        space = RhvaeSpace(2, centroids=7, temperature=0.9, regularisation=0.2).double()
        parameters = torch.randn(5, space.parameter_size, dtype=torch.float64)
        batch = space.posterior(parameters).metric
        z = torch.randn(4, 2, dtype=torch.float64)
        location, _, triangle = parameters.split([2, 2, 3], dim=-1)
        expected = 0.2 * torch.eye(2, dtype=torch.float64).expand(4, 2, 2)
        for c, (a, b, d) in zip(location, triangle, strict=True):
            lower = torch.stack([a, torch.zeros(()).double(), b, d]).view(2, 2)
            shifted = lower.diagonal() + math.log(math.expm1(1))
            lower = torch.diag(torch.nn.functional.softplus(shifted) + 1e-4) + lower.tril(-1)
            weight = (-(z - c).square().sum(-1) / 0.81).exp()
            expected = expected + 7 / 5 * weight[:, None, None] * (lower @ lower.mT)
        torch.testing.assert_close(batch.inverse(z), expected)
        space.observe(torch.zeros(5, 1).double(), parameters, epoch=1)
        torch.testing.assert_close(
            space.metric.matrix(z) @ expected, torch.eye(2).double().expand(4, 2, 2)
        )
        kept = space.eval().posterior(parameters[:1]).metric
        torch.testing.assert_close(kept.inverse(z), expected)

    def test_fewer_items_leave_no_old_centroids(self):
        space = RhvaeSpace(2, centroids=4)
        space.observe(torch.zeros(4, 1), torch.randn(4, 7), epoch=0)
        space.observe(torch.zeros(2, 1), torch.randn(2, 7), epoch=1)
        assert (space.matrices[2:] == 0).all()

    def test_every_parameter_learns(self):
        vae = model()
        x = torch.rand(6, SIZE, dtype=torch.float64)
        (-elbo(vae, x).elbo().mean()).backward()
        for name, parameter in vae.named_parameters():
            assert parameter.grad.isfinite().all(), name
            assert (parameter.grad != 0).any(), name
        head = vae.encoder[-1].weight.grad  # of every number that the encoder emits
        assert (head.abs().amax(dim=1) > 0).all()

    def test_iwae_reaches_the_exact_likelihood_of_a_linear_model(self):
        space = RhvaeSpace(2, centroids=10, leapfrog=Leapfrog(step_size=0.02, iterations=6))
        vae = model(space=space, hidden=()).eval()
        x = torch.rand(5, SIZE, dtype=torch.float64)
        with torch.no_grad():
            space.observe(x, vae.encoder(x), epoch=1)
        weight, bias = vae.decoder[0].weight, vae.decoder[0].bias
        covariance = weight @ weight.mT + 0.25 * torch.eye(SIZE, dtype=torch.float64)
        exact = MultivariateNormal(bias, covariance).log_prob(x)
        # Five independent items; the error of one is 0.04.
        difference = iwae(vae, x, samples=10_000) - exact
        assert difference.mean().abs() < 0.08
        assert difference.abs().max() < 0.2
        with torch.no_grad():
            bound = elbo(vae, x.repeat(500, 1)).elbo().view(500, 5).mean(0)
        assert (bound < exact).all()

    def test_composes_with_a_learned_prior(self):
        learned = partial(VampPrior, components=3, data_size=SIZE)
        vae = model(space=LearnedPriorSpace(RhvaeSpace(2, centroids=6), learned))
        assert vae.latent.reference_size == 6
        x = torch.rand(12, SIZE, dtype=torch.float64)
        fit(vae, x, TrainingConfig(epochs=2, batch_size=6, patience=None))
        space, prior = vae.latent.space, vae.latent.learned
        with torch.no_grad():
            rows = torch.linspace(0, 11, 6).round().long()
            torch.testing.assert_close(space.centroids, vae.encode(x[rows]))
        assert prior.pseudo_inputs.shape == (3, SIZE)
        assert sample(vae, 4).shape == (4, SIZE)
        assert iwae(vae, x, samples=5).isfinite().all()

    def test_refuses_bad_numbers(self):
        with pytest.raises(ValueError, match="at least 1"):
            RhvaeSpace(2, centroids=0)
        with pytest.raises(ValueError, match="temperature"):
            RhvaeSpace(2, temperature=0.0)
