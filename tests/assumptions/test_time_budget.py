"""What an audit concludes when its time is up in the middle of a measurement."""

import importlib
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from geolatent.assumptions import (
    DeclaredGeometry,
    Flat,
    Immersion,
    Isometric,
    KlNonnegative,
    LikelihoodFloor,
    NoNuisance,
    ReportedLikelihood,
    Represented,
    SeedStable,
    Smooth,
    SolverConverged,
    StraightLines,
    Subject,
    UniqueGeodesics,
    audit,
    examine,
)
from geolatent.latents import EuclideanSpace
from geolatent.likelihoods import Gaussian
from geolatent.models import VAE
from geolatent.networks import SwissRoll

subject_module = importlib.import_module("geolatent.assumptions.subject")
CUT = "Cut short by the time budget after 10 of"


@pytest.fixture
def codes():
    return torch.rand(120, 2, dtype=torch.float64) * 4 + 2


@pytest.fixture
def clock(monkeypatch):
    """A clock of the subject's own: it stands still until it is moved."""
    now = [0.0]
    monkeypatch.setattr(subject_module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_without_a_deadline_everything_is_one_block(codes):
    assert list(Subject(SwissRoll(), codes).in_time(50)) == [slice(0, 50)]


def test_blocks_grow_with_the_time_that_is_left_and_stop_at_the_deadline(codes, clock):
    subject = Subject(SwissRoll(), codes, until=clock[0] + 10.0)
    sizes = []
    for block in subject.in_time(10_000):
        sizes.append(block.stop - block.start)
        clock[0] += (block.stop - block.start) / 100  # a hundred a second
    assert sizes[:3] == [10, 495, 247]  # then half of the time that is left, again and again
    assert sum(sizes) <= 1000 + 10
    assert sum(sizes) > 900


def test_pairs_that_there_was_time_for_are_the_first_of_all(codes, clock):
    whole, cut = Subject(SwissRoll(), codes), Subject(SwissRoll(), codes, until=-1.0)
    assert len(cut.pairs.path) == 10 == len(cut.pairs.start) == len(cut.pairs.end)
    assert cut.pairs.start.equal(whole.pairs.start[:10])
    torch.testing.assert_close(cut.pairs.path.length, whole.pairs.path.length[:10])


def test_blocks_of_paths_are_joined(codes, clock):
    subject = Subject(SwissRoll(), codes, pairs=25, until=1.0)  # the clock stands still
    whole = Subject(SwissRoll(), codes, pairs=25)
    assert len(subject.pairs.path) == 25
    torch.testing.assert_close(subject.pairs.path.length, whole.pairs.path.length)


@pytest.mark.parametrize(
    "assumption",
    [
        StraightLines(),
        SolverConverged(),
        Isometric(),
        Smooth(),
        Flat(),
        UniqueGeodesics(),
        Immersion(),
        DeclaredGeometry(),
    ],
)
def test_findings_that_were_cut_short_say_so(assumption, codes, clock):
    found = examine(assumption, Subject(SwissRoll(), codes, until=-1.0))
    assert CUT in found.reason
    assert found.measurement.sample == 10
    assert found.verdict == "inconclusive"  # ten items are too few for any of these
    assert "items could be measured" in found.reason


@pytest.mark.parametrize("claim", [LikelihoodFloor(), KlNonnegative(), ReportedLikelihood()])
def test_likelihoods_stop_too(claim, codes, clock):
    model = VAE(nn.Linear(3, 4), EuclideanSpace(2), nn.Linear(2, 3), Gaussian(1.0)).double().eval()
    x = torch.randn(120, 3, dtype=torch.float64)
    subject = Subject(model, codes, data=x, reported={"nll": 1.0}, until=-1.0)
    found = examine(claim, subject)
    assert f"{CUT} 120 items" in found.reason
    assert found.measurement.items.codes.shape == (10, 1, 2)
    again = examine(claim, Subject(model, codes, data=x, reported={"nll": 1.0}))
    assert "Cut short" not in again.reason
    assert len(again.measurement.items.values) == 120
    # The same data, in the same order, as far as they go.
    first = again.measurement.items.codes[:10]
    assert (found.measurement.items.codes == first).all()


def test_a_nuisance_is_permuted_as_often_as_there_is_time_for(codes, clock):
    coin = {"coin": torch.arange(120) % 2}
    found = examine(NoNuisance(), Subject(nn.Identity(), codes, nuisance=coin, until=-1.0))
    assert f"{CUT} 30 permutations" in found.reason
    assert found.measurement.details["coin: permutation p"] >= 1 / 11
    few = examine(NoNuisance(permutations=3), Subject(nn.Identity(), codes, nuisance=coin))
    assert "Cut short" not in few.reason


def test_distances_of_other_seeds_are_compared_where_all_were_measured(codes, clock):
    roll = SwissRoll()
    others = [(lambda z: -roll(z), codes), (lambda z: 2 * roll(z), codes)]
    subject = Subject(roll, codes, replicas=others, until=-1.0)
    found = examine(SeedStable(distance="geodesic"), subject)
    assert CUT in found.reason
    assert found.effect == pytest.approx(0, abs=1e-9)


def test_groups_are_described_by_as_many_data_as_there_was_time_for(codes, clock):
    label = torch.arange(120) % 2
    data = codes + torch.randn(120, 2, dtype=torch.float64)
    subject = Subject(nn.Identity(), codes, data=data, labels=label, until=-1.0)
    found = examine(Represented(), subject)
    assert f"{CUT} 120 items" in found.reason
    assert found.measurement.items.codes.shape == (10, 1, 2)


def test_a_null_that_was_cut_short_is_not_kept(codes, tmp_path, clock, monkeypatch):
    """The clock strikes between the subject and its null."""
    null = Subject.null

    def late(subject):
        clock[0] = 1e18
        return null(subject)

    monkeypatch.setattr(Subject, "null", late)
    options = {"assumptions": ["smooth"], "directory": tmp_path}
    cut = audit(SwissRoll(), codes, seconds=1e6, **options)["smooth"]
    assert cut.measurement.sample == 120
    assert "time for 10 of them only" in cut.reason
    whole = audit(SwissRoll(), codes, **options)["smooth"]
    assert whole.null.sample == 120


def test_what_was_cut_short_is_measured_again_when_there_is_time(codes, tmp_path, clock):
    clock[0] = 1e18
    names = ["straight-lines", "smooth"]
    cut = audit(SwissRoll(), codes, assumptions=names, seconds=1e6, directory=tmp_path)
    assert all(CUT in finding.reason for finding in cut.values())
    whole = audit(SwissRoll(), codes, assumptions=names, directory=tmp_path)
    assert whole["straight-lines"].measurement.sample == 60
    assert all("Cut short" not in finding.reason for finding in whole.values())
