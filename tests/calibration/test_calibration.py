import json
import math

import pytest
import torch
from torch import nn

from geolatent.assumptions import Assumption, Claim, Measurement, Subject, Tolerance
from geolatent.calibration import (
    CalibratedSimulation,
    Calibration,
    Outcome,
    Rate,
    Simulation,
    run_simulation,
)


class Mean(Assumption):
    """Of the codes, with an interval of a given width."""

    def __init__(self, *, half=0.1, lower_bound=False):
        self.half, self.measured = half, 0
        self.claim = Claim(
            name="mean",
            sentence="The mean is small.",
            kind="statistics",
            effect="mean",
            tolerance=Tolerance(at_most=1.0, reason="so"),
            remedy="none",
            minimum_sample=1,
            lower_bound=lower_bound,
        )

    def measure(self, subject):
        self.measured += 1
        mean = float(subject.codes.mean())
        interval = (mean - self.half, mean + self.half)
        bounds = {"mean, low": interval[0], "mean, high": math.inf}
        return Measurement(mean, interval, 1, details={"mean": mean, **bounds})


def of(effect, found, claim=None, **more):
    """Subjects whose measured mean is not that of the population."""
    return Simulation(
        assumption=claim or Mean(),
        family=f"{found} for {effect}",
        effect=effect,
        draw=lambda seed: Subject(nn.Identity(), torch.full((9, 1), found), seed=seed),
        **more,
    )


def calibrated(simulation, tmp_path, draws=4):
    return CalibratedSimulation.of(
        simulation, run_simulation(simulation, draws, tmp_path / f"{simulation.family}.json")
    )


def test_a_run_goes_on_where_it_stopped(tmp_path):
    claim = Mean()
    file = tmp_path / "deep" / "outcomes.json"
    first = run_simulation(of(0.5, 0.5, claim), 3, file)
    assert claim.measured == 3
    more = run_simulation(of(0.5, 0.5, claim), 5, file)
    assert claim.measured == 5
    assert more[:3] == first
    assert run_simulation(of(0.5, 0.5, claim), 2, file) == first[:2]
    assert claim.measured == 5
    # Another truth is another simulation.
    run_simulation(of(0.6, 0.5, claim), 1, file)
    assert claim.measured == 6
    assert json.loads(file.read_text())["about"]["effect"] == 0.6


def test_a_killed_run_keeps_what_it_had(tmp_path):
    simulation = of(0.5, 0.5)
    drawn = []

    def draw(seed):
        if len(drawn) == 14:
            raise KeyboardInterrupt
        drawn.append(seed)
        return simulation.draw(seed)

    dying = Simulation(
        assumption=simulation.assumption, family=simulation.family, effect=0.5, draw=draw
    )
    with pytest.raises(KeyboardInterrupt):
        run_simulation(dying, 20, tmp_path / "file.json")
    before = simulation.assumption.measured
    run_simulation(simulation, 20, tmp_path / "file.json")
    assert simulation.assumption.measured - before == 10


def test_outcomes_survive_json():
    outcome = Outcome("holds", math.inf, (-math.inf, 0.5), {"x": (0.0, math.inf)})
    assert Outcome.from_dict(json.loads(json.dumps(outcome.to_dict()))) == outcome


def test_rates_are_those_of_the_side(tmp_path):
    simulations = [
        of(0.5, 0.5),  # holds, and rightly
        of(0.7, 2.0),  # false alarms
        of(3.0, 3.0),  # violated, and rightly
        of(2.0, 0.5),  # false reassurances
        of(1.0, 1.0),  # undecided at the edge
        of(1.01, 0.5),  # holds at the edge
    ]
    calibration = Calibration(tuple(calibrated(s, tmp_path) for s in simulations))
    claim = calibration.claims["mean"]
    assert claim.false_alarms == Rate(4, 8)
    assert claim.false_reassurances == Rate(4, 8)
    assert claim.edge_alarms == Rate(0, 8)
    assert claim.edge_reassurances == Rate(4, 8)
    assert claim.coverage == Rate(12, 24)
    assert claim.verdict == "not calibrated"
    assert claim.worst.family in ("2.0 for 0.7", "0.5 for 2.0")
    assert "**not calibrated**" in calibration.to_markdown()
    assert "50.0 % [15.7, 84.3] of 8" in calibration.to_markdown()
    good = Calibration((calibrated(simulations[0], tmp_path), calibrated(simulations[2], tmp_path)))
    assert good.claims["mean"].verdict == "undecided"  # none of four is none of anything
    json.dumps(good.to_dict(), allow_nan=False)


def counted(side, total, *, holds=0, violated=0, blind=""):
    """A simulation with these verdicts."""
    return CalibratedSimulation(
        claim="mean",
        family=f"{side}, {violated} violated",
        effect=1.0,
        tolerance="at most 1",
        edge=1.0,
        side=side,
        blind=blind,
        holds=Rate(holds, total),
        violated=Rate(violated, total),
        covered=Rate(0, 0),
        recovered={},
    )


AWAY = (counted("true", 25), counted("true", 75), counted("false", 100, violated=100))
EASY = (counted("true", 25),) * 11


@pytest.mark.parametrize(
    ("simulations", "expected"),
    [
        # 2.5 % of the default number of audits on either side: [0.5, 7.1] %.
        ([*AWAY, counted("edge", 120, holds=3, violated=3)], "calibrated"),
        ([*AWAY, counted("edge", 120, holds=5, violated=5)], "calibrated"),
        ([*AWAY, counted("edge", 120, holds=7)], "not calibrated"),  # 5.8 %
        ([*AWAY, counted("edge", 40, holds=2)], "undecided"),  # 5.0 % [0.6, 16.9]
        ([counted("true", 25), counted("false", 25)], "undecided"),  # 0 % [0, 13.7]
        ([*AWAY, counted("edge", 120)], "shown"),
        ([*AWAY, counted("edge", 120, holds=2)], "calibrated"),  # 1.7 % [0.2, 5.9]
        (AWAY, "calibrated"),  # of the edge nothing is shown
        ([AWAY[0], AWAY[1], counted("false", 100, holds=50, blind="so")], "calibrated"),
        # One bad family among easy ones: 5 of 25 are 20 % [6.8, 40.7], 4 are 16 % [4.5, 36.1].
        ([*EASY, counted("true", 25, violated=5)], "not calibrated"),
        ([*EASY, counted("true", 25, violated=4)], "calibrated"),
        ([*[counted("edge", 120)] * 3, counted("edge", 120, holds=12)], "not calibrated"),
        ([counted("false", 9, holds=9, blind="so")], "undecided"),
    ],
)
def test_a_claim_is_judged_by_its_families_and_by_what_is_known_of_its_rates(simulations, expected):
    assert Calibration(tuple(simulations)).claims["mean"].verdict == expected


def test_the_worst_family_is_the_one_that_is_surely_worst():
    one_of_few, some_of_many = counted("true", 8, violated=1), counted("edge", 120, holds=9)
    calibration = Calibration((one_of_few, some_of_many, counted("true", 25)))
    assert calibration.claims["mean"].worst == some_of_many
    assert "7.5 % [3.5, 13.8] of 120: edge, 0 violated" in calibration.to_markdown()
    assert some_of_many.wrong == Rate(9, 120)
    assert counted("edge", 9, holds=1, violated=2).wrong == Rate(2, 9)
    assert counted("false", 9, holds=1, violated=8).wrong == Rate(1, 9)
    assert counted("false", 9, holds=1, blind="so").wrong == Rate(0, 0)


def test_what_cannot_be_seen_is_no_false_reassurance(tmp_path):
    claim = Mean(lower_bound=True)
    unseen = calibrated(of(2.0, 0.5, claim, blind="too fine"), tmp_path)
    assert unseen.covered == Rate(0, 0)
    assert Calibration((unseen,)).claims["mean"].false_reassurances == Rate(0, 0)
    # A lower bound below the truth covers it; one above does not.
    assert calibrated(of(2.0, 0.6, claim), tmp_path).covered == Rate(4, 4)
    assert calibrated(of(0.3, 0.7, claim), tmp_path).covered == Rate(0, 4)


def test_details_are_recovered_where_their_bounds_say_so(tmp_path):
    known = of(0.5, 0.5, known={"mean": 0.9})
    assert calibrated(known, tmp_path).recovered == {"mean": Rate(4, 4)}
    missed = of(0.5, 0.8, known={"mean": 0.3})
    assert calibrated(missed, tmp_path).recovered == {"mean": Rate(0, 4)}
    only_a_side = of(0.5, 0.45, exact=False)
    assert calibrated(only_a_side, tmp_path).covered == Rate(0, 0)


def test_no_subjects_have_no_rate():
    assert math.isnan(Rate(0, 0).value)
    assert Rate(0, 0).interval == (0.0, 1.0)
    assert str(Rate(0, 0)) == "—"
