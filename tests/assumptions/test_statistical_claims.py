import math

import pytest
import torch
from torch import nn

from geolatent.assumptions import (
    PathsStayOnData,
    PosteriorActive,
    PriorMatch,
    SeedStable,
    Subject,
    UncertaintyGrows,
    examine,
)
from geolatent.assumptions.quantile_interval import quantile_interval
from geolatent.calibration import linear_model
from geolatent.interpolation import random_pairs
from geolatent.latents import LatentModel, SphereSpace, UncertainModel
from geolatent.likelihoods import Gaussian
from geolatent.manifolds import Sphere
from geolatent.metrics import EuclideanMetric
from geolatent.models import VAE
from geolatent.networks import SwissRoll


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def subject(model, x, **more):
    return Subject(model, model.encode(x), data=x, **more)


def test_collapsed_dimensions_are_counted():
    x = normal(300, 4)
    active = examine(PosteriorActive(), subject(linear_model([0.9, 0.9, 0.9, 0.9]), x))
    assert (active.verdict, active.effect) == ("holds", 0)
    half = examine(PosteriorActive(), subject(linear_model([0.9, 0.01, 0.9, 0.01]), x))
    assert (half.verdict, half.effect) == ("violated", 0.5)
    edge = examine(PosteriorActive(), subject(linear_model([0.9, 0.1, 0.9, 0.9]), x))
    assert edge.verdict == "inconclusive"  # activity 0.01, which is the threshold


def test_details_of_activity_are_in_closed_form():
    x = normal(2000, 2)
    details = examine(
        PosteriorActive(), subject(linear_model([0.8, 0.01], scale=0.6), x)
    ).measurement.details
    assert details["activity 0"] == pytest.approx(0.64, rel=0.15)
    # KL(N(m, s²) ‖ N(0, 1)) = (m² + s² − 1) / 2 − log s
    assert details["KL 0"] == pytest.approx((0.64 + 0.36 - 1) / 2 - math.log(0.6), abs=0.05)
    assert details["KL 1"] == pytest.approx((0.36 - 1) / 2 - math.log(0.6), abs=0.02)


def test_the_scale_of_the_prior_does_not_matter():
    x = normal(300, 2)
    wide = linear_model([9.0, 0.1], scale=0.5, prior_scale=10.0)
    assert examine(PosteriorActive(), subject(wide, x)).effect == 0.5


def test_false_alarms_of_activity():
    """A dimension whose activity is twice the threshold is never called collapsed."""
    claim = PosteriorActive()
    model = linear_model([0.9, 0.142])
    verdicts = [examine(claim, subject(model, normal(100, 2, seed=k))).verdict for k in range(20)]
    assert verdicts.count("violated") == 0


def test_ten_dimensions_just_above_the_threshold_have_not_collapsed():
    """Half of them are measured below it, in every resample of the data."""
    gains = [math.sqrt(1.05 * 0.01)] * 10
    finding = examine(PosteriorActive(), subject(linear_model(gains), normal(400, 10)))
    assert finding.effect > 0.1
    assert finding.verdict == "inconclusive"


def test_a_matching_posterior_matches():
    x = normal(500, 2)
    match = examine(PriorMatch(), subject(linear_model([0.9, 0.7]), x))
    assert match.verdict == "holds"
    assert match.reason.startswith("Nothing was found against it")
    assert match.effect < 0.1


def test_a_prior_that_is_too_wide_is_found():
    """Total variation of N(0, 1) and N(0, s²), which the effect may not exceed."""
    x = normal(800, 1)
    narrow = examine(PriorMatch(), subject(linear_model([0.4], scale=0.03), x))
    assert narrow.verdict == "violated"
    s = math.hypot(0.4, 0.03)
    cross = math.sqrt(2 * math.log(1 / s) / (1 / s**2 - 1))
    exact = math.erf(cross / s / math.sqrt(2)) - math.erf(cross / math.sqrt(2))
    assert narrow.effect == pytest.approx(exact, abs=0.08)
    assert narrow.interval[0] < exact


def test_a_shift_of_what_is_tolerated_is_undecided():
    """Unit normals whose means are 0.507 apart have a total variation distance of 0.2."""
    x = normal(300, 1) + 0.507 / 0.9
    assert examine(PriorMatch(), subject(linear_model([0.9]), x)).verdict == "inconclusive"


def test_false_alarms_of_prior_match():
    """`geolatent calibrate` counts them."""
    model = linear_model([0.9, 0.7])
    findings = [
        examine(PriorMatch(), subject(model, normal(150, 2, seed=k), seed=k)) for k in range(10)
    ]
    assert all(finding.verdict != "violated" for finding in findings)
    assert sum(finding.interval[0] > 0 for finding in findings) <= 2


class Confidence(UncertainModel):
    """The identity, with an uncertainty of one's choice."""

    def __init__(self, uncertainty):
        self.says = uncertainty

    def assumed_metric(self):
        return EuclideanMetric()

    def induced_metric(self):
        return EuclideanMetric()

    def decode(self, z):
        return z

    def uncertainty(self, z):
        return self.says(z)


@pytest.mark.parametrize(
    ("says", "verdict", "effect"),
    [
        (lambda z: z.norm(dim=-1), "holds", 0.9),
        (lambda z: 1 / (1 + z.norm(dim=-1)), "violated", -0.9),
        (lambda z: torch.ones(z.shape[:-1]), "violated", 0.0),
        (lambda z: torch.sin(100 * z[..., 0]), "violated", 0.0),
    ],
)
def test_uncertainty_away_from_one_cloud(says, verdict, effect):
    finding = examine(UncertaintyGrows(), Subject(Confidence(says), normal(300, 2)))
    assert finding.verdict == verdict
    assert finding.effect == pytest.approx(effect, abs=0.15)


def test_to_be_uncertain_without_bounds_is_to_be_most_uncertain():
    far = Confidence(lambda z: torch.where(z.norm(dim=-1) > 2, torch.inf, z.norm(dim=-1)))
    finding = examine(UncertaintyGrows(), Subject(far, normal(300, 2)))
    assert finding.verdict == "holds"
    assert finding.measurement.failed == 0
    everywhere = Confidence(lambda z: torch.full(z.shape[:-1], torch.inf))
    assert examine(UncertaintyGrows(), Subject(everywhere, normal(300, 2))).effect == 0


def test_no_uncertainty_at_all_decides_nothing():
    nowhere = Confidence(lambda z: torch.full(z.shape[:-1], torch.nan))
    finding = examine(UncertaintyGrows(), Subject(nowhere, normal(300, 2)))
    assert finding.verdict == "inconclusive"
    assert finding.measurement.failed == 400


def test_uncertainties_that_are_none_count_on_both_sides():
    def says(z):
        return torch.where(z.norm(dim=-1) > 4.3, torch.nan, 1 / (1 + z.norm(dim=-1)))

    some = UncertaintyGrows().measure(Subject(Confidence(says), normal(300, 2)))
    assert 0 < some.failed < 80
    assert some.interval[1] > some.effect + 0.15

    def grows(z):
        return torch.where(z.norm(dim=-1) > 4.3, torch.nan, z.norm(dim=-1))

    other = UncertaintyGrows().measure(Subject(Confidence(grows), normal(300, 2)))
    assert -1 < other.interval[0] < other.effect - 0.15


def test_codes_that_are_none_may_be_active_or_not():
    x = normal(300, 2)
    model = linear_model([0.9, 0.01])
    half = Subject(model, model.encode(x), data=x)
    whole = PosteriorActive().measure(half)
    half.data[0] = torch.nan
    some = PosteriorActive().measure(half)
    assert (whole.sample, whole.failed) == (300, 0)
    assert (some.sample, some.failed) == (299, 1)
    assert (whole.interval, some.interval) == ((0.5, 0.5), (0.0, 0.5))


def test_uncertainty_at_the_edge_is_undecided():
    says = Confidence(lambda z: z.norm(dim=-1) + 2.0 * torch.sin(100 * z[..., 0]))
    assert examine(UncertaintyGrows(), Subject(says, normal(300, 2))).verdict == "inconclusive"


def test_uncertainty_in_two_clouds():
    """Between them nobody has been: what grows with the distance from the mean is wrong there."""
    codes = torch.cat([normal(150, 2), normal(150, 2, seed=1) + torch.tensor([20.0, 0.0])])
    centres = torch.tensor([[0.0, 0.0], [20.0, 0.0]])
    knows = Confidence(lambda z: torch.cdist(z, centres).min(-1).values)
    assert examine(UncertaintyGrows(), Subject(knows, codes)).verdict == "holds"


def test_false_alarms_of_uncertainty():
    """An order of chance, with a tolerance of exactly that: nominally 2.5 % either way."""
    claim = UncertaintyGrows(points=100, tolerated=0.0)
    chance = Confidence(lambda z: torch.sin(1000 * z).sum(-1))
    verdicts = [
        examine(claim, Subject(chance, normal(60, 2, seed=k), seed=k)).verdict for k in range(50)
    ]
    assert verdicts.count("holds") <= 5
    assert verdicts.count("violated") <= 5


def ring(count, seed=0):
    angle = 2 * math.pi * torch.rand(count, generator=torch.Generator().manual_seed(seed))
    return torch.stack([angle.cos(), angle.sin()], 1) + 0.02 * normal(count, 2, seed=seed + 1)


def test_lines_across_a_ring_leave_the_data():
    codes = ring(300)
    finding = examine(PathsStayOnData(), Subject(nn.Identity(), codes, data=codes))
    assert finding.verdict == "violated"
    # A chord stays within the limit of the circle where it spans less than 2 acos(1 - limit).
    limit = finding.measurement.details["limit"]
    assert finding.effect == pytest.approx(1 - 2 * math.acos(1 - limit) / math.pi, abs=0.08)
    assert len(finding.where.values) == 3


def test_lines_in_a_disc_stay():
    codes = torch.rand(400, 2, generator=torch.Generator().manual_seed(2))
    finding = examine(PathsStayOnData(), Subject(nn.Identity(), codes, data=codes))
    assert finding.verdict == "holds"


def test_few_pairs_leave_it_open():
    angle = torch.linspace(0, 3.0, 80)
    codes = torch.stack([angle.cos(), angle.sin()], 1) + 0.15 * normal(80, 2)
    finding = examine(PathsStayOnData(), Subject(nn.Identity(), codes, data=codes))
    assert finding.verdict == "inconclusive"


def test_false_alarms_of_midpoints():
    """A decoder that gives fresh data whatever the code: one midpoint in twenty by definition."""

    def fresh(z):
        return normal(*z.shape, seed=int(z[0, 0].abs() * 1e6) % 10000)

    effects, violated = [], 0
    for k in range(50):
        x = normal(200, 2, seed=k)
        finding = examine(PathsStayOnData(), Subject(fresh, x, data=x, seed=k))
        effects.append(finding.effect)
        violated += finding.verdict == "violated"
    assert violated == 0
    assert sum(effects) / 50 == pytest.approx(0.05, abs=0.015)


def trained_again(noise, *, count=3, n=200):
    """Codes of the same data, turned, scaled and disturbed."""
    codes = normal(n, 2)
    turn = torch.tensor([[0.0, 2.0], [-2.0, 0.0]])
    replicas = [
        (nn.Identity(), (codes + noise * normal(n, 2, seed=9 + k)) @ turn.matrix_power(k + 1))
        for k in range(count)
    ]
    return Subject(nn.Identity(), codes + noise * normal(n, 2, seed=99), replicas=replicas)


@pytest.mark.parametrize(("noise", "verdict"), [(0.0, "holds"), (0.05, "holds"), (1.0, "violated")])
def test_distances_over_seeds(noise, verdict):
    finding = examine(SeedStable(), trained_again(noise))
    assert finding.verdict == verdict
    assert finding.measurement.details["models"] == 4
    if not noise:
        assert finding.effect == pytest.approx(0, abs=1e-6)


def test_copies_of_a_model_are_no_other_seeds():
    codes = normal(100, 2)
    turned = codes @ torch.tensor([[0.0, 1.0], [-1.0, 0.0]])
    copy, one = (nn.Identity(), codes), (nn.Identity(), turned)
    finding = examine(SeedStable(), Subject(nn.Identity(), codes, replicas=[copy, copy, one]))
    assert finding.verdict == "not-applicable"
    assert finding.lacking == "replicas"
    assert "4 that were given 2 are different" in finding.reason
    # In another precision too; another decoder of the same codes is another model.
    wide = (nn.Identity(), codes.double())
    finding = examine(SeedStable(), Subject(nn.Identity(), codes, replicas=[wide, one]))
    assert finding.lacking == "replicas"
    other = (lambda z: 3 * z, codes)
    assert examine(SeedStable(), Subject(nn.Identity(), codes, replicas=[one, other])).effect < 1e-6


def test_pairs_that_a_seed_does_not_measure_may_vary_as_they_like():
    """The twenty that vary most are lost: what is left would be within the tolerance."""
    subject = trained_again(0.3, n=180)
    start, _ = random_pairs(180, subject.pair_count, seed=0)
    variation = SeedStable().measure(subject).items.values
    order = variation.argsort()
    kept = quantile_interval(variation[order[:-20]])[1]
    subject.replicas[0][1][start[torch.from_numpy(order[-20:].copy())]] = torch.inf
    finding = examine(SeedStable(tolerated=1.01 * kept), subject)
    assert (finding.measurement.sample, finding.measurement.failed) == (70, 20)
    assert finding.verdict == "inconclusive"


def test_a_tolerance_at_the_effect_is_undecided():
    effect = examine(SeedStable(), trained_again(0.3)).effect
    assert examine(SeedStable(tolerated=effect), trained_again(0.3)).verdict == "inconclusive"


def test_geodesics_agree_where_codes_do_not():
    """Two charts of one roll: straight distances disagree, those along the roll do not."""
    t = 8 + 6 * torch.rand(120, 2, generator=torch.Generator().manual_seed(4)).double()

    class Chart(nn.Module):
        """The same roll, in coordinates u with t = 8 + u²."""

        def forward(self, u):
            return SwissRoll()(torch.stack([8 + u[..., 0] ** 2, u[..., 1]], -1))

    bent = torch.stack([(t[:, 0] - 8).sqrt(), t[:, 1]], 1)
    # A third model, so that there is a scatter: the roll upside down.
    third = (lambda z: -SwissRoll()(z), t)
    both = Subject(SwissRoll(), t, replicas=[(Chart(), bent), third], pairs=30)
    straight = examine(SeedStable(), both)
    geodesic = examine(SeedStable(distance="geodesic"), both)
    assert geodesic.effect < 1e-3 < straight.effect
    assert geodesic.verdict == "holds"


def test_false_alarms_of_seeds():
    """The truth from 20000 pairs as the tolerance: nominally 2.5 % either way."""
    many = trained_again(0.3, n=40000)
    many.pair_count = 20000
    truth = examine(SeedStable(), many).effect

    def again(k):
        codes = normal(120, 2, seed=1000 + k)
        models = [(nn.Identity(), codes + 0.3 * normal(120, 2, seed=7 * k + j)) for j in range(3)]
        return Subject(nn.Identity(), codes + 0.3 * normal(120, 2, seed=7 * k + 5), replicas=models)

    verdicts = [examine(SeedStable(tolerated=truth), again(k)).verdict for k in range(60)]
    assert verdicts.count("violated") <= 6
    assert verdicts.count("holds") <= 6


@pytest.mark.usefixtures("as_in_production")
def test_distances_have_names():
    with pytest.raises(ValueError, match="straight"):
        SeedStable(distance="linear")


def test_what_is_missing_is_said():
    codes = normal(50, 2)
    bare = Subject(nn.Identity(), codes)
    for claim, missing in (
        (PosteriorActive(), "encoder"),
        (PriorMatch(), "encoder"),
        (UncertaintyGrows(), "uncertainty"),
        (PathsStayOnData(), "data"),
        (SeedStable(), "seeds"),
    ):
        finding = examine(claim, bare)
        assert finding.verdict == "not-applicable"
        assert missing in finding.reason
    with pytest.raises(ValueError, match="replica 0"):
        Subject(nn.Identity(), codes, replicas=[(nn.Identity(), codes[:10])])
    with pytest.raises(ValueError, match="3"):
        examine(PathsStayOnData(), Subject(nn.Identity(), codes, data=normal(50, 3)))
    space = SphereSpace(Sphere(2))
    closed = VAE(nn.Linear(3, space.parameter_size), space, nn.Linear(3, 3), Gaussian())
    assert isinstance(closed, LatentModel)
    assert "closes up" in examine(UncertaintyGrows(), Subject(closed.eval(), codes)).reason
