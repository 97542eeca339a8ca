"""How verdicts move with choices: designs, indices, where verdicts change, what fails."""

import json
import math

import numpy as np
import pytest

from geolatent.assumptions import (
    AuditReport,
    Claim,
    Evidence,
    Factor,
    Finding,
    Grid,
    Measurement,
    Morris,
    Sobol,
    Tolerance,
    sensitivity,
)
from geolatent.assumptions.choices import Point

CLAIM = Claim(
    name="small",
    sentence="It is small.",
    kind="geometry",
    effect="a number",
    tolerance=Tolerance(at_most=1.0, reason="for the test"),
    remedy="Make it small.",
)
HALF = Measurement(0.5, (0.4, 0.6), 50, planned=50)


def report(effect: float, *, half: float = 0.0) -> AuditReport:
    interval = (effect - half, effect + half)
    finding = Finding(CLAIM, CLAIM.tolerance.judge(interval), "", Measurement(effect, interval, 50))
    return AuditReport({"small": finding}, {}, Evidence())


def rows(found, claim="small"):
    frame = found.to_frame()
    return frame[frame["claim"] == claim].set_index("factor")


@pytest.mark.parametrize("levels", [(2,), (2, 2), (2, 3), (2, 3, 4), (3, 5, 7, 2)])
@pytest.mark.parametrize("ordered", [True, False])
def test_effects_are_of_the_whole_range_whatever_the_numbers_of_levels(levels, ordered):
    pytest.importorskip("SALib")
    factors = [Factor(f"f{k}", tuple(range(count)), ordered) for k, count in enumerate(levels)]

    def evaluate(x):  # each factor's whole range is worth 1; without an order, every other level
        if ordered:
            return report(sum(x[f.name] / (len(f.levels) - 1) for f in factors))
        return report(float(sum(x[f.name] == 0 for f in factors)))

    table = rows(sensitivity(evaluate, factors, design=Morris(trajectories=12)))
    for factor in factors:
        count = len(factor.levels)
        if ordered:
            assert table["mu_star"][factor.name] == pytest.approx(1, abs=1e-12)
            assert table["mu_star_conf"][factor.name] == pytest.approx(0, abs=1e-12)
        else:  # the share of pairs that have the first level, 2 of m
            half = table["mu_star_conf"][factor.name]
            assert abs(table["mu_star"][factor.name] - 2 / count) <= 1.7 * half + 1e-12
        assert table["sigma"][factor.name] == pytest.approx(0, abs=1e-9)


def test_elementary_effects_of_a_sum_are_its_coefficients():
    pytest.importorskip("SALib")
    factors = {"a": (0, 1, 2, 3), "b": (0.0, 1.0), "c": (5, 6), "seed": (0, 1)}
    found = sensitivity(
        lambda x: report(0.5 * x["a"] - 3 * x["b"] + 0.7 * x["seed"]),
        factors,
        design=Morris(trajectories=6),
    )
    table = rows(found)
    for name, size in {"a": 0.5 * 3, "b": 3.0, "c": 0.0, "seed": 0.7}.items():
        assert table["mu_star"][name] == pytest.approx(size, abs=1e-9)
        assert table["sigma"][name] == pytest.approx(0, abs=1e-9)
    assert table["flips"]["c"] == 0


def test_intervals_and_deviations_are_those_of_the_effects():
    pytest.importorskip("SALib")
    table = rows(
        sensitivity(
            lambda x: report(x["a"] ** 2 + 1.0 * (x["kind"] == "q") * x["a"]),
            {"a": (0, 1, 2), "kind": ("p", "q")},
            design=Morris(trajectories=5, seed=2),
        )
    )
    plan = Morris(trajectories=5, seed=2).plan([Factor("a", (0, 1, 2)), Factor("kind", ("p", "q"))])
    values = plan.levels[:, 0] ** 2 + plan.levels[:, 1] * plan.levels[:, 0]
    for k, (name, last) in enumerate((("a", 2), ("kind", 1))):
        steps = [(s.before, s.after) for s in plan.steps if s.factor == k]
        slopes = np.array(
            [
                (values[j] - values[i]) * last / (plan.levels[j, k] - plan.levels[i, k])
                for i, j in steps
            ]
        )
        assert table["mu_star"][name] == pytest.approx(np.abs(slopes).mean())
        assert table["sigma"][name] == pytest.approx(slopes.std(ddof=1))
        # Student's quantile of four degrees of freedom, from a table.
        half = 2.776445 * np.abs(slopes).std(ddof=1) / math.sqrt(5)
        assert table["mu_star_conf"][name] == pytest.approx(half, rel=1e-6)


def test_an_interaction_shows_in_sigma():
    pytest.importorskip("SALib")
    found = sensitivity(
        lambda x: report(float(x["a"] * x["b"])),
        {"a": (-1, 1), "b": (-1, 1)},
        design=Morris(trajectories=12),
    )
    assert (rows(found)["sigma"] > 1).all()
    assert (rows(found)["mu_star"] > 1).all()


def test_levels_without_an_order_are_compared_in_all_pairs():
    pytest.importorskip("SALib")
    factor = Factor("kind", ("p", "q", "r", "s"))
    assert not factor.ordered
    plan = Morris(trajectories=60).plan([factor, Factor("x", (0, 1))])
    pairs = {
        frozenset((int(plan.levels[s.before, 0]), int(plan.levels[s.after, 0])))
        for s in plan.steps
        if s.factor == 0
    }
    assert len(pairs) == 6
    counts = np.bincount(plan.levels[:, 0], minlength=4)
    assert counts.min() > 0.6 * counts.max()


@pytest.mark.parametrize("levels", [(2,), (2, 3), (3, 5), (4, 6, 2)])
def test_a_step_changes_one_level_and_no_other(levels):
    pytest.importorskip("SALib")
    factors = [Factor(f"f{k}", tuple(range(count))) for k, count in enumerate(levels)]
    for design in (Morris(trajectories=5), Sobol(samples=8), Grid()):
        plan = design.plan(factors)
        assert plan.steps
        for step in plan.steps:
            differ = plan.levels[step.before] != plan.levels[step.after]
            assert np.flatnonzero(differ).tolist() == [step.factor]
        assert (plan.levels >= 0).all()
        assert (plan.levels < np.array(levels)).all()


def test_shares_of_variance_are_those_of_an_additive_function():
    pytest.importorskip("SALib")
    factors = {"a": (0, 1, 2), "b": (0, 1, 2, 3), "c": (0, 1)}

    def evaluate(x):
        return report(float(x["a"] + 2 * x["b"]))

    # Uniform on m levels: variance (m² − 1) / 12.
    a, b = 8 / 12, 4 * 15 / 12
    exact = rows(sensitivity(evaluate, factors, design=Grid()))
    estimated = rows(sensitivity(evaluate, factors, design=Sobol(samples=256)))
    for name, share in (("a", a / (a + b)), ("b", b / (a + b)), ("c", 0.0)):
        for index in ("S1", "ST"):
            assert exact[index][name] == pytest.approx(share, abs=1e-12)
            assert estimated[index][name] == pytest.approx(share, abs=0.08)


def test_an_interaction_is_in_the_total_share_alone():
    table = rows(
        sensitivity(
            lambda x: report(float(x["a"] * x["b"])),
            {"a": (-1, 1), "b": (-1, 1)},
            design=Grid(),
        )
    )
    assert table["S1"].tolist() == pytest.approx([0, 0])
    assert table["ST"].tolist() == pytest.approx([1, 1])


@pytest.mark.parametrize("design", [Grid(), Sobol(samples=4), Morris()])
def test_what_never_varies_has_no_shares(design):
    if not isinstance(design, Grid):
        pytest.importorskip("SALib")
    found = sensitivity(lambda x: report(192.53), {"a": (0, 1), "b": (1, 2, 3)}, design=design)
    assert rows(found).get("ST") is None
    assert (rows(found)["flips"] == 0).all()
    json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert "No verdict changed." in found.to_markdown()


def test_the_boundary_is_where_verdicts_change():
    found = sensitivity(
        lambda x: report(x["dose"] + 0.01 * x["seed"], half=0.05),
        {"dose": (0.2, 0.6, 0.9, 1.4, 2.0), "seed": (0, 1)},
        design=Grid(),
    )
    where = found.boundaries()
    where = where[(where["factor"] == "dose") & (where["flips"] > 0)]
    assert where[["from", "to", "pairs", "flips", "reversals"]].values.tolist() == [
        [0.9, 1.4, 2, 2, 2]
    ]
    assert where["verdicts"].tolist() == ["holds → violated (2)"]
    (flip, _) = found.flips("small", "dose")
    assert flip.settings in ({"seed": 0}, {"seed": 1})
    assert flip.reverses
    assert not found.flips("small", "seed")
    shares = found.verdicts().loc["small"]
    assert (shares["holds"], shares["violated"]) == (0.6, 0.4)
    assert "| small | dose | 0.9 | 1.4 | 2 | 2 | holds → violated (2) |" in found.to_markdown()


def test_a_run_that_fails_is_recorded_and_the_rest_goes_on(tmp_path):
    pytest.importorskip("SALib")

    def evaluate(x):
        if x["a"] == 2 and x["b"] == 0:
            raise ArithmeticError("diverged")
        return report(float(x["a"]))

    found = sensitivity(
        evaluate,
        {"a": (0, 1, 2, 3), "b": (0, 1)},
        design=Morris(trajectories=8),
        directory=tmp_path,
    )
    (failure,) = found.failures
    assert failure.failure == "ArithmeticError: diverged"
    assert "a=2, b=0: ArithmeticError: diverged" in found.to_markdown()
    assert rows(found)["mu_star"]["a"] == pytest.approx(3)
    assert found.verdicts().loc["small"]["failed"] > 0
    assert found.known() == ()  # one of eight runs
    assert "failure" in found.runs_frame()


@pytest.mark.parametrize(
    "found",
    [
        Finding(CLAIM, "not-applicable", "There is nothing to measure."),
        Finding(CLAIM, "inconclusive", "The time budget of 1 s was spent."),
        Finding(CLAIM, "holds", "", Measurement(0.5, (0.4, 0.6), 50, planned=51)),
        Finding(CLAIM, "holds", "", HALF, Measurement(0.5, (0.4, 0.6), 50, planned=51)),
    ],
)
def test_what_was_not_measured_whole_is_not_known(found, tmp_path):
    whole = AuditReport({"small": Finding(CLAIM, "holds", "", HALF, HALF)}, {}, Evidence())
    partly = AuditReport({"small": found}, {}, Evidence())

    def known(count):
        return sensitivity(
            lambda x: partly if x["a"] < count else whole,
            {"a": tuple(range(10))},
            design=Grid(),
            directory=tmp_path / str(count),
        ).known()

    assert known(1) == ("small",)
    assert known(2) == known(10) == ()
    assert known(2) == ()  # as it is read again, too


def test_finished_runs_are_not_run_again_and_failed_ones_are(tmp_path):
    asked = []

    def evaluate(x, broken=True):
        asked.append(dict(x))
        if broken and x["a"] == 1:
            raise ValueError("no")
        return report(float(x["a"]), half=math.inf)

    factors = {"a": (0, 1), "b": ("p", "q")}
    sensitivity(evaluate, factors, design=Grid(), directory=tmp_path)
    assert len(asked) == 4
    asked.clear()
    found = sensitivity(
        lambda x: evaluate(x, broken=False), factors, design=Grid(), directory=tmp_path
    )
    assert asked == [{"a": 1, "b": "p"}, {"a": 1, "b": "q"}]
    assert found.points[0].findings["small"].interval == (-math.inf, math.inf)
    assert found.known() == ("small",)
    asked.clear()
    wider = {"a": (0, 1, 2), "b": ("p", "q")}
    sensitivity(evaluate, wider, design=Grid(), directory=tmp_path)
    assert asked == [{"a": 2, "b": "p"}, {"a": 2, "b": "q"}]


def test_a_record_comes_back_as_it_was():
    found = sensitivity(lambda x: report(x["a"], half=0.5), {"a": (0.0, 2.0)}, design=Grid())
    for point in found.points:
        assert Point.from_dict(json.loads(json.dumps(point.to_dict()))) == Point(
            point.settings, point.findings, None, round(point.seconds, 2)
        )


def test_everything_is_saved(tmp_path):
    found = sensitivity(lambda x: report(x["a"], half=0.5), {"a": (0.0, 2.0)}, design=Grid())
    found.save(tmp_path / "deep")
    names = {file.name for file in (tmp_path / "deep").iterdir()}
    assert names == {"table.json", "table.md", "table.csv", "runs.csv"}
    numbers = json.loads((tmp_path / "deep" / "table.json").read_text())
    assert numbers["known"] == ["small"]
    assert numbers["factors"] == {"a": ["0.0", "2.0"]}


def test_mistakes():
    with pytest.raises(ValueError, match="at least two"):
        Factor("a", (1,))
    with pytest.raises(ValueError, match="a level twice: 1, 1"):
        Factor("a", (1, 1))
    with pytest.raises(ValueError, match="name at least one factor"):
        sensitivity(lambda x: report(0), {})
    with pytest.raises(ValueError, match="name at least one factor, and each once"):
        sensitivity(lambda x: report(0), [Factor("a", (1, 2)), Factor("a", (1, 2))])
    with pytest.raises(ValueError, match="power of two"):
        Sobol(samples=6)
    with pytest.raises(ValueError, match="at least 2"):
        Morris(trajectories=1)
    with pytest.raises(ValueError, match="none of the runs gave an audit: KeyError: 'b'"):
        sensitivity(lambda x: x["b"], {"a": (0, 1)}, design=Grid())


def test_without_salib_it_is_said_how_to_get_it(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "SALib", None)
    for name in [name for name in sys.modules if name.startswith("SALib.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ImportError, match=r"geolatent-toolkit\[sensitivity\]"):
        sensitivity(lambda x: report(0), {"a": (0, 1)})


def test_the_callers_random_state_is_left_alone():
    pytest.importorskip("SALib")

    def drawn():  # the fixture's seed, then whatever the designs leave
        np.random.seed(3)  # noqa: NPY002
        return np.random.random()  # noqa: NPY002

    expected = drawn()
    np.random.seed(3)  # noqa: NPY002
    for design in (Morris(), Sobol(samples=4)):
        sensitivity(lambda x: report(float(x["a"])), {"a": (0, 1), "b": (1, 2)}, design=design)
    assert np.random.random() == expected  # noqa: NPY002
