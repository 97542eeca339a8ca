import json
import math
import sys
import time
from types import ModuleType

import numpy as np
import pytest
import torch

from geolatent.assumptions import (
    Assumption,
    Claim,
    Evidence,
    Measurement,
    NotApplicable,
    Subject,
    Tolerance,
    audit,
    bootstrap_interval,
    examine,
    readiness,
    share_interval,
)
from geolatent.networks import Sphere, SwissRoll

TOLERANCE = Tolerance(at_most=0.1, reason="for the test")


class Fixed(Assumption):
    """Finds what it was told to, and something else when it is asked again."""

    def __init__(
        self, interval=(0.0, 0.05), *, again=None, sample=100, name="fixed", kind="geometry"
    ):
        self.intervals, self.sample = [interval, again or interval], sample
        self.claim = Claim(
            name=name,
            sentence="It is so.",
            kind=kind,
            effect="a number",
            tolerance=TOLERANCE,
            remedy="Make it so.",
            has_null=again is not None,
        )

    def measure(self, subject):
        interval = self.intervals.pop(0)
        return Measurement(sum(interval) / 2, interval, self.sample)


OWN = """
from geolatent.assumptions import Assumption, Claim, Measurement, Tolerance
from numbers_of_theirs import found

class Own(Assumption):
    claim = Claim(
        name="own", sentence="It is.", kind="data", effect="e", remedy="r",
        tolerance=Tolerance(at_most=0.1, reason="t"),
    )

    def measure(self, subject):
        return Measurement(*found(), 100)
"""


class Slow(Assumption):
    claim = Fixed(name="slow").claim

    def measure(self, subject):
        time.sleep(0.3)
        return Measurement(0.0, (0.0, 0.0), 100)


class Nothing(Assumption):
    claim = Fixed(name="nothing").claim

    def measure(self, subject):
        return NotApplicable("There is no encoder.")


@pytest.fixture
def codes():
    return torch.randn(200, 2, generator=torch.Generator().manual_seed(5)) * 0.5


@pytest.fixture
def plane():
    return torch.nn.Linear(2, 5).eval()


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [
        ((0.0, 0.09), "holds"),
        ((0.0, 0.1), "holds"),
        ((0.05, 0.11), "inconclusive"),
        ((0.101, 0.3), "violated"),
        ((math.nan, math.nan), "inconclusive"),
    ],
)
def test_verdicts_are_equivalence_tests(interval, verdict):
    assert TOLERANCE.judge(interval) == verdict


def test_two_sided_tolerance():
    tolerance = Tolerance(at_least=-1, at_most=1, reason="r")
    verdicts = [tolerance.judge(i) for i in [(-2, -1.5), (-1.5, 0), (-0.5, 0.5), (1.5, 2)]]
    assert verdicts == ["violated", "inconclusive", "holds", "violated"]
    with pytest.raises(ValueError, match="range"):
        Tolerance(at_least=1, at_most=1, reason="r")


def test_the_items_beyond_a_limit_are_those_that_are_counted(codes):
    """Whatever the effect is a share of: what a page shows in colour is what was counted."""
    names = ["straight-lines", "smooth", "immersion", "isometric"]
    report = audit(Sphere().eval(), 2 * codes[:80], assumptions=names)
    assert 0 < report["straight-lines"].effect < 1
    assert list(report) == names
    for finding in report.values():
        counted, sample = finding.measurement.items.against().values, finding.measurement.sample
        if finding.name == "isometric":  # no pair is wrong by itself: the worst tenth
            assert len(counted) == sample // 10
        else:
            assert len(counted) == round(finding.effect * sample)


def test_share_interval_has_its_coverage():
    """Exact: at least 95 % for every true share, summed over all outcomes of 40 items."""
    from scipy.stats import binom

    intervals = [share_interval(k, 40) for k in range(41)]
    for share in (0.01, 0.1, 0.37, 0.9):
        inside = [k for k, (low, high) in enumerate(intervals) if low <= share <= high]
        assert binom.pmf(inside, 40, share).sum() >= 0.95


def test_failed_items_widen_the_interval_both_ways():
    low, high = share_interval(10, 90, failed=10)
    assert low == share_interval(10, 100)[0]
    assert high == share_interval(20, 100)[1]
    with pytest.raises(ValueError, match="share"):
        share_interval(5, 4)


def test_bootstrap_agrees_with_normal_theory():
    x = np.random.default_rng(0).normal(3, 2, 400)
    low, high = bootstrap_interval(np.mean, x, seed=1)
    half = 1.96 * x.std() / 20
    assert low == pytest.approx(x.mean() - half, abs=0.2 * half)
    assert high == pytest.approx(x.mean() + half, abs=0.2 * half)


def test_too_few_items_conclude_nothing(codes, plane):
    finding = examine(Fixed(sample=5), Subject(plane, codes))
    assert finding.verdict == "inconclusive"
    assert "5 items" in finding.reason


def test_a_measure_that_fails_on_the_null_concludes_nothing(codes, plane):
    subject = Subject(plane, codes)
    finding = examine(Fixed((0.3, 0.5), again=(0.2, 0.4)), subject)
    assert finding.verdict == "inconclusive"
    assert "affine" in finding.reason
    assert examine(Fixed((0.3, 0.5), again=(0.0, 0.01)), subject).verdict == "violated"


def test_not_applicable_says_why(codes, plane):
    report = audit(plane, codes, assumptions=[Nothing()])
    assert report["nothing"].verdict == "not-applicable"
    assert "no encoder" in str(report)
    assert math.isnan(report["nothing"].effect)
    json.loads(report.to_json())


def test_findings_do_not_depend_on_what_else_is_tested(codes, plane):
    alone = audit(plane, codes, assumptions=["immersion"])["immersion"]
    together = audit(plane, codes, assumptions=["smooth", "immersion"])["immersion"]
    assert np.array_equal(alone.measurement.items.values, together.measurement.items.values)


def test_an_audit_goes_on_where_it_stopped(codes, plane, tmp_path):
    first = audit(plane, codes, assumptions=["immersion"], directory=tmp_path)["immersion"]
    again = audit(plane, codes, assumptions=["immersion"], directory=tmp_path)["immersion"]
    assert again.seconds == first.seconds
    assert np.array_equal(again.measurement.items.codes, first.measurement.items.codes)
    other = torch.nn.Linear(2, 5).eval()
    new = audit(other, codes, assumptions=["immersion"], directory=tmp_path)["immersion"]
    assert new.seconds != first.seconds
    (tmp_path / "immersion.json").write_text("{ cut")
    cut = audit(plane, codes, assumptions=["immersion"], directory=tmp_path)["immersion"]
    assert cut.verdict == "holds"


def marked_audit(directory, model, codes, **given):
    """An audit of one claim, and whether its finding is that of the one before."""
    measured = []

    class Counted(Nothing):
        def measure(self, subject):
            measured.append(subject)
            return Measurement(0.0, (0.0, 0.05), 100)

    audit(model, codes, assumptions=[Counted()], directory=directory, **given)
    return not measured


def test_findings_are_of_the_very_subject_that_is_audited(codes, plane, tmp_path):
    def goes_on(model=plane, codes=codes, **given):
        return marked_audit(tmp_path, model, codes, **given)

    assert [goes_on(), goes_on()] == [False, True]
    # The same numbers at the codes, another encoder's weights beside the decoder's.
    encoded = torch.nn.Linear(2, 5).eval()
    encoded.load_state_dict(plane.state_dict())
    encoded.register_buffer("of_the_encoder", torch.ones(1))
    assert [goes_on(encoded), goes_on(encoded)] == [False, True]
    # A function that is another at one code of many.
    at = codes[137]
    odd = lambda z: plane(z) + (z == at).all(-1, keepdim=True)  # noqa: E731
    assert [goes_on(lambda z: plane(z)), goes_on(lambda z: plane(z)), goes_on(odd)] == [
        False,
        True,
        False,
    ]
    between = (codes[3] + codes[2]) / 2
    bump = lambda z: plane(z) + ((z - between).norm(dim=-1, keepdim=True) < 1e-3)  # noqa: E731
    assert not goes_on(bump)
    # A variable that is called as a part of the subject is.
    groups = torch.arange(200) % 2
    for nuisance in ({}, {"codes": groups}, {"data": groups}, {"labels": 1 - groups}):
        assert [goes_on(nuisance=nuisance), goes_on(nuisance=nuisance)] == [False, True]
    assert [
        goes_on(nuisance={"codes": groups}),
        goes_on(codes=codes + 1, nuisance={"codes": groups}),
    ] == [False, False]


def test_findings_are_of_the_assumption_as_it_is_set_and_written(codes, plane, tmp_path):
    from geolatent.assumptions.finding_store import FindingStore

    store = FindingStore(tmp_path, "subject")
    finding = examine(Fixed(), Subject(plane, codes))
    options = np.zeros(2000)
    first = Fixed()
    first.options = options
    store.write(first, finding)
    assert store.read(first) is not None
    second = Fixed()
    second.options = options.copy()
    assert store.read(second) is not None
    second.options[1000] = 1.0  # where NumPy does not print it
    assert store.read(second) is None
    assert store.read(Fixed(sample=99)) is None


def test_findings_of_other_code_are_not_read(codes, plane, tmp_path, monkeypatch):
    """Neither of another file of the assumption, nor of one that it imports from beside it."""
    import importlib

    (tmp_path / "numbers_of_theirs.py").write_text("def found():\n    return 0.0, (0.0, 0.05)\n")
    (tmp_path / "theirs.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    theirs = importlib.import_module("theirs")
    found = tmp_path / "findings"

    def effect():
        return audit(plane, codes, assumptions=[theirs.Own()], directory=found)["own"].effect

    assert effect() == 0.0
    (tmp_path / "theirs.py").write_text(OWN.replace("*found()", "0.25, (0.2, 0.3)"))
    exec(compile((tmp_path / "theirs.py").read_text(), "theirs", "exec"), theirs.__dict__)
    assert effect() == 0.25
    exec(compile(OWN, "theirs", "exec"), theirs.__dict__)
    (tmp_path / "theirs.py").write_text(OWN)
    assert effect() == 0.0
    text = (tmp_path / "numbers_of_theirs.py").read_text().replace("0.0, (0.0", "0.05, (0.02")
    (tmp_path / "numbers_of_theirs.py").write_text(text)
    exec(text, sys.modules["numbers_of_theirs"].__dict__)
    theirs.found = sys.modules["numbers_of_theirs"].found
    assert effect() == 0.05


@pytest.mark.parametrize("registered", [True, False])
def test_findings_of_what_is_in_no_file_are_not_kept(
    codes, plane, tmp_path, monkeypatch, registered
):
    typed = {"__name__": "typed_by_somebody"}
    if registered:
        monkeypatch.setitem(sys.modules, "typed_by_somebody", ModuleType("typed_by_somebody"))
    exec(OWN.replace("from numbers_of_theirs import found", ""), typed)
    own = typed["Own"]()
    audit_of = {"assumptions": [own], "directory": tmp_path}
    typed["found"] = lambda: (0.0, (0.0, 0.05))
    assert audit(plane, codes, **audit_of)["own"].effect == 0.0
    typed["found"] = lambda: (0.05, (0.0, 0.06))
    assert audit(plane, codes, **audit_of)["own"].effect == 0.05


def test_the_map_is_there_though_time_is_spent(codes):
    report = audit(Sphere().eval(), codes[:40], assumptions=["straight-lines", Slow()], seconds=0.2)
    assert report.atlas is not None


def test_a_spent_budget_says_so(codes, plane):
    report = audit(plane, codes, seconds=0)
    assert report["straight-lines"].verdict == "inconclusive"
    assert "budget" in report["straight-lines"].reason


def test_caller_keeps_its_random_state(codes, plane):
    before = torch.get_rng_state()
    audit(plane, codes, assumptions=["smooth", "straight-lines"])
    assert torch.equal(before, torch.get_rng_state())


def test_affine_decoders_are_flat(codes, plane):
    report = audit(plane, codes, assumptions=["solver-converged", "immersion", "straight-lines"])
    assert {finding.verdict for finding in report.values()} == {"holds"}
    assert report["straight-lines"].null.effect == 0


def test_a_bent_sphere_is_found():
    latitudes = torch.rand(120, 2, generator=torch.Generator().manual_seed(1))
    report = audit(Sphere(), 0.5 + latitudes, assumptions=["straight-lines"])
    mild = report["straight-lines"]
    wide = torch.stack([1.2 * latitudes[:, 0], 3 * latitudes[:, 1]], 1)
    far = audit(Sphere(), wide, assumptions=["straight-lines"])
    assert far["straight-lines"].verdict == "violated"
    assert far["straight-lines"].effect > mild.effect
    assert len(far["straight-lines"].where.values) == 3


def test_a_roll_with_its_own_lengths_as_codes_is_flat(codes):
    """Unrolled, t = 5 + s / |γ'(5)| to first order: a short piece bends by nothing."""
    report = audit(SwissRoll(), 20 + 0.1 * codes, assumptions=["straight-lines"])
    assert report["straight-lines"].verdict == "holds"


def test_a_lost_dimension_is_no_immersion(codes):
    def flat(z):
        return torch.cat([z[..., :1], 2 * z[..., :1]], -1)

    report = audit(flat, codes, assumptions=["immersion"])
    assert report["immersion"].effect == 1
    assert report["immersion"].verdict == "violated"


def test_reports_as_files(codes, plane, tmp_path):
    report = audit(plane, codes, assumptions=["straight-lines"])
    record = json.loads(report.save(tmp_path / "a.json").read_text())
    assert record["findings"]["straight-lines"]["verdict"] == "holds"
    text = report.save(tmp_path / "a.md").read_text()
    assert "| straight-lines | **holds** |" in text
    null = report["straight-lines"].null
    assert f"| {null.effect:.3g} [{null.interval[0]:.3g}, {null.interval[1]:.3g}] | 100 |" in text
    for said in ("- median excess: ", "- seed: 0", "- codes: 200", f"torch {torch.__version__}"):
        assert said in text
    assert "fits least" not in text  # nothing counts against it
    bent = audit(Sphere().eval(), 2 * codes[:60], assumptions=["straight-lines"])
    assert bent.to_markdown().count("- fits least: ") == 3
    assert list(report.to_frame().index) == list(report)
    with pytest.raises(ValueError, match="json"):
        report.save(tmp_path / "a.docx")


def test_mistakes_are_said(codes, plane):
    with pytest.raises(ValueError, match="straight-lines"):
        audit(plane, codes, assumptions=["straight-line"])
    with pytest.raises(ValueError, match="once"):
        audit(plane, codes, assumptions=["immersion", "immersion"])
    with pytest.raises(TypeError, match="list"):
        audit(plane, codes, assumptions="immersion")
    with pytest.raises(TypeError, match="floating-point"):
        audit(plane, codes.long())
    with pytest.raises(ValueError, match="row 3"):
        audit(plane, torch.where(torch.arange(200)[:, None] == 3, torch.nan, codes))
    with pytest.raises(ValueError, match="200 codes"):
        audit(plane, codes, labels=torch.zeros(7))
    names = np.array(["a", "b"] * 100)
    for labels, said in (
        (torch.full((200,), torch.nan), "row 0 is nan"),
        (torch.arange(200) / 3, r"row 1 is 0.333333; cut what is continuous"),
        (names, "np.unique"),
    ):
        with pytest.raises((ValueError, TypeError), match=said):
            audit(plane, codes, labels=labels)
    with pytest.raises(ValueError, match="training data must be finite; row 1"):
        audit(plane, codes, data=codes, training=torch.tensor([[0.0, 0.0], [torch.nan, 0.0]]))
    with pytest.raises(ValueError, match="seconds must be a number, not negative, got -3"):
        audit(plane, codes, seconds=-3)
    with pytest.raises(ValueError, match="from low to high"):
        Measurement(0.5, (0.9, 0.1), 500)
    with pytest.raises(KeyError, match="was not tested"):
        audit(plane, codes, assumptions=["immersion"])["flat"]


def test_mistakes_of_type_are_said(codes, plane, as_in_production):
    with pytest.raises(ValueError, match="a row for each of the 200 codes"):
        audit(plane, codes, labels=3)
    with pytest.raises(TypeError, match="by name"):
        audit(plane, codes, nuisance=torch.zeros(200))
    with pytest.raises(ValueError, match="seconds must be a number"):
        audit(plane, codes, seconds="60")
    with pytest.raises(TypeError, match=r"such as Fixed\(\)"):
        audit(plane, codes, assumptions=[Fixed])
    with pytest.raises(ValueError, match="kind='statistic'"):
        Fixed(kind="statistic")


def test_what_an_assumption_of_ones_own_does_wrong_is_said_by_its_name(codes, plane):
    class Number(Nothing):
        def measure(self, subject):
            return 0.5

    class Broken(Nothing):
        def measure(self, subject):
            raise ZeroDivisionError

    class Unclaimed(Assumption):
        def measure(self, subject):
            return NotApplicable("")

    with pytest.raises(TypeError, match="'nothing': measure has to return a Measurement"):
        audit(plane, codes, assumptions=[Number()])
    with pytest.raises(ZeroDivisionError) as caught:
        audit(plane, codes, assumptions=[Broken()])
    assert caught.value.__notes__ == ["While 'nothing' (Broken) was measured."]
    with pytest.raises(TypeError, match="Unclaimed sets no claim"):
        audit(plane, codes, assumptions=[Unclaimed()])


def test_numbers_of_numpy_are_labels_and_data_too(codes, plane):
    of_torch, of_numpy = (
        audit(plane, codes, data=d, labels=y, nuisance={"site": y}, assumptions=["represented"])
        for d, y in (
            (plane(codes).detach() + 1, torch.arange(200) % 2),
            (plane(codes).detach().numpy() + 1, np.arange(200) % 2),
        )
    )
    assert of_torch["represented"].effect == of_numpy["represented"].effect


def test_no_level_is_reached_by_leaving_things_out(codes, plane):
    stated = Evidence(trained=True, converged=True)
    data, labels = plane(codes).detach() + torch.randn(200, 5), torch.arange(200) % 2
    names = ["solver-converged", "no-nuisance", "represented", "no-duplicates", "immersion"]

    def missing(**given):
        report = audit(plane, codes, assumptions=names, evidence=stated, **given)
        return "; ".join(readiness(report.findings, stated).missing)

    assert "give data to test represented" in missing()
    assert "give training to test no-duplicates" in missing(data=data, labels=labels)
    given = {"data": data, "training": torch.randn(300, 5), "labels": labels}
    assert "give nuisance to test no-nuisance" in missing(**given)
    assert "nuisance" not in missing(**given, nuisance={})
    assert "give labels to test represented" in missing(**{**given, "labels": None})


def test_readiness_climbs_one_step_at_a_time(codes, plane):
    subject = Subject(plane, codes)
    interval = {"holds": (0.0, 0.05), "violated": (0.2, 0.3), "inconclusive": (0.0, 0.3)}

    def findings(**verdicts):
        return {
            name: examine(Fixed(interval[verdict], kind=kind, name=name), subject)
            for name, (kind, verdict) in verdicts.items()
        }

    stated = Evidence(trained=True, converged=True)
    good = findings(a=("integrity", "holds"), b=("data", "holds"), c=("geometry", "violated"))
    assert readiness(good, Evidence()).level == 0
    assert readiness(good, Evidence(trained=True)).level == 1
    assert readiness(findings(a=("integrity", "violated")), stated).level == 2
    assert readiness(findings(a=("integrity", "holds")), stated).level == 3
    # A violated assumption that is known is tested; an undecided one is not.
    assert readiness(good, stated).level == 5
    undecided = good | findings(d=("geometry", "inconclusive"))
    assert readiness(undecided, stated).level == 4
    assert readiness(undecided, stated).missing == ("d is inconclusive",)
    stable = good | {"seed-stable": findings(s=("statistics", "holds"))["s"]}
    assert readiness(stable, stated).level == 6
    some = readiness(stable, Evidence(trained=True, converged=True, sensitivity=("s",)))
    assert some.level == 6
    assert some.missing == ("run a sensitivity analysis (geolatent sensitivity claims=[c])",)
    known = Evidence(trained=True, converged=True, sensitivity=("s", "c"))
    assert readiness(stable, known).level == 7
    doubt = Evidence(trained=True, unconverged="It still falls.")
    assert readiness(stable, doubt).missing == ("It still falls.",)
    everything = Evidence(trained=True, converged=True, sensitivity=True, elsewhere=True)
    assert readiness(stable, everything).level == 8
    assert readiness(stable, everything).missing == ()
