"""Two published defects are planted here and caught: a dropped batch and clipped samples."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from geolatent.assumptions import (
    KlNonnegative,
    LikelihoodFloor,
    NotClipped,
    ReportedLikelihood,
    Subject,
    examine,
    mean_interval,
)
from geolatent.data import branching_diffusion
from geolatent.latents import EuclideanSpace, LatentSpace, WrappedNormalSpace
from geolatent.likelihoods import Bernoulli, Gaussian, Poisson
from geolatent.manifolds import Lorentz, PoincareBall
from geolatent.models import VAE, iwae


@pytest.fixture(scope="module")
def branching():
    """The test data of P3 and the best linear model of two dimensions, fitted without training."""
    parts = branching_diffusion()
    _, spread, axes = torch.linalg.svd(parts.train, full_matrices=False)
    spread, axes = spread[:2] / len(parts.train) ** 0.5, axes[:2]
    encoder, decoder = nn.Linear(50, 4).double(), nn.Linear(2, 50).double()
    with torch.no_grad():
        # The posterior of probabilistic principal components: mean M⁻¹ Wᵀ x, covariance M⁻¹.
        width = (spread.square() - 1).sqrt()
        decoder.weight.copy_((width[:, None] * axes).T)
        decoder.bias.zero_()
        encoder.weight.zero_()
        encoder.weight[:2] = (width / spread.square())[:, None] * axes
        encoder.bias[:2] = 0
        # softplus⁻¹, shifted as posterior_scale is
        encoder.bias[2:] = torch.log(torch.expm1(1 / spread)) - math.log(math.expm1(1))
    model = VAE(encoder, EuclideanSpace(2), decoder, Gaussian(1.0)).double().eval()
    return model.requires_grad_(False), parts.test


def average(model, x, *, batch, drop_last):
    """A loop over batches that divides by the count of all data."""
    torch.manual_seed(0)
    batches = [part for part in x.split(batch) if len(part) == batch or not drop_last]
    return -sum(float(iwae(model, part, samples=64).sum()) for part in batches) / len(x)


def subject(model, x, **more):
    with torch.no_grad():
        return Subject(model, model.encode(x), data=x, **more)


def test_an_honest_model_has_integrity(branching):
    model, x = branching
    honest = subject(model, x, reported={"nll": average(model, x, batch=64, drop_last=False)})
    for claim in (LikelihoodFloor(), KlNonnegative(), ReportedLikelihood()):
        finding = examine(claim, honest)
        assert finding.verdict == "holds", (claim.claim.name, finding)
    assert examine(LikelihoodFloor(), honest).measurement.details["floor"] == pytest.approx(
        25 * math.log(2 * math.pi)
    )


def test_a_dropped_batch_beats_the_floor(branching):
    """P3: 191 test data in batches of 64, the last 63 dropped, the sum divided by 191."""
    model, x = branching
    wrong = average(model, x, batch=64, drop_last=True)
    floor = 25 * math.log(2 * math.pi)
    assert wrong < floor
    planted = subject(model, x, reported={"nll": wrong})
    finding = examine(LikelihoodFloor(), planted)
    assert finding.verdict == "violated"
    assert finding.effect == pytest.approx(floor - wrong, abs=0.01)
    assert "dropped" in finding.remedy
    found = examine(ReportedLikelihood(), planted)
    assert found.verdict == "violated"
    assert found.measurement.details["reported over recomputed"] == pytest.approx(
        128 / 191, abs=0.02
    )


def test_a_dropped_batch_is_caught_above_the_floor_too(branching):
    model, x = branching
    wrong = average(model, x, batch=94, drop_last=True)  # 3 of 191 are dropped
    planted = subject(model, x, reported={"nll": wrong})
    assert examine(LikelihoodFloor(), planted).verdict == "holds"
    assert examine(ReportedLikelihood(), planted).verdict == "violated"


def test_a_report_at_the_edge_is_undecided(branching):
    model, x = branching
    stated = subject(model, x, reported={"nll": 0.0})
    right = examine(ReportedLikelihood(), stated).measurement.details["recomputed"]
    at_edge = subject(model, x, reported={"nll": right - 0.5})
    assert examine(ReportedLikelihood(tolerated=0.5), at_edge).verdict == "inconclusive"


class ClippedNormal(torch.distributions.Distribution):
    """A wrapped normal whose samples are moved into a ball, while its density is not."""

    arg_constraints = {}

    def __init__(self, inner, space, radius):
        super().__init__(inner.batch_shape, inner.event_shape, validate_args=False)
        self.inner, self.space, self.radius = inner, space, radius

    def rsample(self, sample_shape=()):
        z = self.space.code(self.inner.rsample(torch.Size(sample_shape)))
        norm = z.norm(dim=-1, keepdim=True)
        return self.space.point(z * (self.radius / norm).clamp(max=1))

    def log_prob(self, value):
        return self.inner.log_prob(value)


class ClippedBall(LatentSpace):
    """The Poincaré ball as it is often written: every sample is projected to the edge of float32.

    At curvature −1 that edge is at distance 6.2.
    """

    def __init__(self):
        super().__init__()
        self.space = WrappedNormalSpace(PoincareBall(2))
        self.dim, self.parameter_size = self.space.dim, self.space.parameter_size
        self.feature_size = self.space.feature_size

    @property
    def metric(self):
        return self.space.metric

    def prior(self):
        return self.space.prior()

    def posterior(self, parameters):
        return ClippedNormal(self.space.posterior(parameters), self.space, 6.2)

    def location(self, parameters):
        return self.space.location(parameters)

    def features(self, x):
        return self.space.features(x)

    def point(self, z):
        return self.space.point(z)

    def code(self, x):
        return self.space.code(x)


def far_out(space, radius):
    """A model whose posteriors sit at one radius, with a tight scale."""
    encoder = nn.Linear(50, 4)
    decoder = nn.Linear(space.feature_size, 50)
    with torch.no_grad():
        encoder.weight.zero_()
        encoder.weight[:2, :2] = 1e-3 * torch.eye(2)
        encoder.bias.copy_(torch.tensor([radius, 0.0, -1.0, -1.0]))
        decoder.weight.mul_(1e-3)
    return VAE(encoder, space, decoder, Gaussian(1.0)).eval()


def test_clipped_samples_give_negative_divergences(branching):
    x = branching[1].float()
    planted = subject(far_out(ClippedBall(), 20.0), x)
    divergence = examine(KlNonnegative(), planted)
    assert divergence.verdict == "violated"
    assert divergence.effect < -10
    # Samples that their density does not know: the weighted bound beats the floor as well.
    assert examine(LikelihoodFloor(), planted).verdict == "violated"
    assert examine(NotClipped(), planted).verdict == "violated"
    for claim in (KlNonnegative(), LikelihoodFloor(), NotClipped()):
        assert examine(claim, subject(far_out(ClippedBall(), 1.0), x)).verdict == "holds"


def test_the_dtype_and_the_coordinates_decide_what_is_clipped(branching):
    x = branching[1].float()
    ball, lorentz = WrappedNormalSpace(PoincareBall(2)), WrappedNormalSpace(Lorentz(2))
    assert examine(NotClipped(), subject(far_out(ball, 20.0), x)).verdict == "violated"
    precise = subject(far_out(ball, 20.0).double(), x.double())
    assert examine(NotClipped(), precise).verdict == "holds"
    assert examine(NotClipped(), subject(far_out(lorentz, 20.0), x)).verdict == "holds"


def test_a_few_clipped_codes_are_undecided(branching):
    x = branching[1].float()
    codes = torch.ones(191, 2)
    codes[:2] = 20.0
    few = Subject(far_out(WrappedNormalSpace(PoincareBall(2)), 1.0), codes, data=x)
    finding = examine(NotClipped(), few)
    assert finding.verdict == "inconclusive"
    assert finding.effect == pytest.approx(2 / 191)


def test_a_divergence_of_zero_is_not_negative(branching):
    """Prior and posterior are one: every estimate is exactly zero."""
    x = branching[1].float()
    model = far_out(EuclideanSpace(2), 0.0)
    with torch.no_grad():
        model.encoder.weight.zero_()
        model.encoder.bias.zero_()
    codes = torch.zeros(191, 2)
    finding = examine(KlNonnegative(), Subject(model, codes, data=x))
    assert finding.verdict == "holds"
    assert abs(finding.effect) < 1e-2


def test_a_reported_divergence_counts(branching):
    model, x = branching
    assert examine(KlNonnegative(), subject(model, x, reported={"kl": -1.0})).verdict == "violated"


def test_a_noisy_divergence_is_undecided(branching):
    """Twenty posteriors that are nearly the prior, four draws of each: too few to tell."""
    x = branching[1].float()[:20]
    model = far_out(EuclideanSpace(2), 0.0)
    with torch.no_grad():
        model.encoder.bias[2:] = -0.5
    planted = subject(model, x)
    assert examine(KlNonnegative(draws=2, tolerated=0.01), planted).verdict == "inconclusive"


def test_the_least_divergences_are_not_chosen_by_the_draws_that_measure_them(branching):
    """Posteriors of one divergence: what is least in two draws is not less in two others."""
    x = branching[1].float()
    model = far_out(EuclideanSpace(2), 0.0)
    with torch.no_grad():
        model.encoder.bias[2:] = -0.5
    finding = examine(KlNonnegative(draws=4), subject(model, x))
    low, high = finding.interval
    assert low < finding.measurement.details["mean KL"] < high
    assert high > 0


def test_what_has_no_likelihood_is_said(branching):
    model, x = branching
    bare = Subject(model.decoder, model.encode(x).detach())
    for claim in (LikelihoodFloor(), KlNonnegative(), NotClipped(), ReportedLikelihood()):
        assert examine(claim, bare).verdict == "not-applicable"
    no_data = Subject(model, model.encode(x).detach(), reported={"nll": 1.0})
    for claim in (LikelihoodFloor(), KlNonnegative(), ReportedLikelihood()):
        assert "data" in examine(claim, no_data).reason
    assert "flat" in examine(NotClipped(), no_data).reason
    assert "reported" in examine(ReportedLikelihood(), subject(model, x)).reason


@pytest.mark.parametrize("likelihood", [Bernoulli(), Poisson()])
def test_floors_of_counts_hold(likelihood):
    x = torch.randint(0, 2, (60, 5)).float()
    model = VAE(nn.Linear(5, 4), EuclideanSpace(2), nn.Linear(2, 5), likelihood).eval()
    assert examine(LikelihoodFloor(), subject(model, x)).verdict == "holds"


def test_what_is_not_finite_proves_nothing(branching):
    x = branching[1].float()
    model = far_out(EuclideanSpace(2), 0.0)
    codes = model.encode(x).detach()
    with torch.no_grad():
        model.decoder.bias[0] = math.nan
    finding = examine(LikelihoodFloor(), Subject(model, codes, data=x))
    assert finding.verdict == "inconclusive"


def test_a_floor_that_differs_between_data_is_that_of_all_of_them():
    """A report at the mean floor is as good as can be, whichever data are drawn."""
    x = (torch.arange(300)[:, None] < 30) * 40.0 + torch.ones(300, 3)
    model = VAE(nn.Linear(3, 4), EuclideanSpace(2), nn.Linear(2, 3), Poisson()).eval()
    best = float(model.likelihood.floor(x).mean())
    claim = LikelihoodFloor(items=40, samples=2)
    codes, reported = torch.randn(300, 2), {"nll": best}
    found = [
        examine(claim, Subject(model, codes, data=x, reported=reported, seed=k)) for k in range(4)
    ]
    assert all(finding.effect <= 0 for finding in found)


def test_reports_are_checked(branching):
    model, x = branching
    with pytest.raises(ValueError, match="elbo"):
        subject(model, x, reported={"elbo": 3.0})


def test_mean_interval_has_its_coverage():
    draws = np.random.default_rng(0).normal(1, 3, (2000, 12))
    intervals = np.array([mean_interval(row) for row in draws])
    covered = ((intervals[:, 0] <= 1) & (intervals[:, 1] >= 1)).mean()
    assert covered == pytest.approx(0.95, abs=0.015)
    assert all(math.isnan(bound) for bound in mean_interval(np.array([1.0])))


def test_false_alarms_of_estimated_divergences(branching):
    """Posteriors 0.002 nats from the prior: none of 100 seeds may call that negative."""
    x = branching[1].float()[:40]
    model = far_out(EuclideanSpace(2), 0.0)
    with torch.no_grad():
        model.encoder.bias[2:] = -0.05
    claim = KlNonnegative(draws=4)
    verdicts = [examine(claim, subject(model, x, seed=k)).verdict for k in range(100)]
    assert verdicts.count("violated") == 0
    assert verdicts.count("holds") > 90


def test_false_alarms_of_honest_reports(branching):
    """A report that is better by exactly what is tolerated: nominally 2.5 % either way."""
    model, x = branching
    part, claim = x[:40], ReportedLikelihood(samples=4)
    right = -float(iwae(model, part.repeat(800, 1), samples=4).mean())
    at_edge = {"nll": right - 0.5}
    verdicts = [
        examine(claim, subject(model, part, reported=at_edge, seed=k)).verdict for k in range(60)
    ]
    assert verdicts.count("violated") <= 5
    assert verdicts.count("holds") <= 5


def test_the_recomputed_likelihood_is_the_exact_one(branching):
    """Probabilistic principal components: x ~ N(0, W Wᵀ + I)."""
    model, x = branching
    weight = model.decoder.weight
    exact = torch.distributions.MultivariateNormal(
        torch.zeros(50).double(), weight @ weight.T + torch.eye(50).double()
    )
    finding = examine(ReportedLikelihood(), subject(model, x, reported={"nll": 0.0}))
    assert finding.effect == pytest.approx(-float(exact.log_prob(x).mean()), abs=0.01)
