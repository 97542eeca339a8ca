import numpy as np
import pytest
from case import Case
from evaluator import Measured
from measurement import run
from reference import Reference
from result import lowered, result_of
from solver import Solver, straight_nodes, through_nodes
from surface_cases import surface_case


class Straight(Solver):
    def solve(self, decoder, start, end):
        return through_nodes(straight_nodes(start, end, 8))


class Missing(Solver):
    def solve(self, decoder, start, end):
        import a_peer_that_is_not_installed  # noqa: F401


class Endless(Solver):
    def solve(self, decoder, start, end):
        while True:
            pass


class Fussy(Straight):
    def solve(self, decoder, start, end):
        if start[0, 1] > 3:
            raise ArithmeticError("no solution")
        return super().solve(decoder, start, end)


@pytest.fixture
def case() -> Case:
    return surface_case("sphere", 6)


def test_a_missing_peer_is_said_to_be_missing(case):
    measurement = run(Missing("missing"), case)
    assert measurement.seconds is None
    assert "not installed" in next(iter(measurement.errors))


@pytest.mark.parametrize("one_by_one", [False, True])
def test_what_takes_too_long_is_stopped(case, one_by_one, monkeypatch):
    monkeypatch.setattr("measurement._warm_up", lambda *_: None)
    measurement = run(Endless("endless", seconds=0.2, one_by_one=one_by_one), case)
    assert measurement.seconds is None
    assert measurement.errors == {"stopped after 0.2 s": 1}


def test_failures_are_counted_and_do_not_hide_in_the_mean(case):
    measurement = run(Fussy("fussy", one_by_one=True), case)
    failed = (case.start[:, 1] > 3).numpy()
    assert 0 < failed.sum() < 6
    known = Reference(case.exact_lengths**2, case.exact_lengths, True, "exact")
    straight = Measured(*measurement.measured)
    result = result_of(measurement, known, straight, 1.0)
    assert result.failures == failed.sum()
    assert result.errors == {"ArithmeticError: no solution": failed.sum()}
    assert np.isnan(result.excess).tolist() == failed.tolist()
    assert result.mean > 0


def test_a_lower_energy_lowers_the_reference_unless_it_is_exact(case):
    measurement = run(Straight("straight", pairs=4), case)
    above = np.full(6, 1e3)
    known, fall = lowered(Reference(above, above, False, "bad"), [measurement])
    assert (known.energy[:4] == measurement.measured.energy).all()
    assert (known.energy[4:] == 1e3).all()
    assert fall > 0.9
    same, fall = lowered(Reference(above, above, True, "exact"), [measurement])
    assert (same.energy == 1e3).all()
    assert fall == 0
