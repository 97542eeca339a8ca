import numpy as np

from geolatent.assumptions import (
    AuditReport,
    Claim,
    Evidence,
    Factor,
    Finding,
    Grid,
    Measurement,
    Tolerance,
    sensitivity,
)
from geolatent.viz import sensitivity_figure


def study(factors):
    claim = Claim(
        name="small",
        sentence="It is small.",
        kind="geometry",
        effect="a number",
        tolerance=Tolerance(at_most=1.0, reason="for the test"),
        remedy="",
    )

    def evaluate(x):
        effect = float(x["dose"])
        interval = (effect - 0.1, effect + 0.1)
        found = Finding(
            claim, claim.tolerance.judge(interval), "", Measurement(effect, interval, 9)
        )
        return AuditReport({"small": found}, {}, Evidence())

    return sensitivity(evaluate, factors, design=Grid())


def marks(ax, gid):
    return [line for line in ax.get_lines() if line.get_gid() == gid]


def test_every_run_is_drawn_at_its_level_with_its_interval_and_verdict():
    found = study({"dose": (0.5, 0.8, 1.0, 1.5), "kind": ("p", "q")})
    dose, kind = sensitivity_figure(found).axes
    assert len(marks(dose, "holds")) == 4
    assert len(marks(dose, "inconclusive")) == len(marks(dose, "violated")) == 2
    assert len(marks(dose, "interval")) == 8
    assert list(dose.get_xticks()) == [0.5, 0.8, 1.0, 1.5]  # to scale
    assert list(kind.get_xticks()) == [0, 1]
    for line in marks(dose, "violated"):
        assert abs(line.get_xdata()[0] - 1.5) < 0.1
        assert line.get_ydata()[0] == 1.5
    intervals = sorted(tuple(np.round(line.get_ydata(), 3)) for line in marks(dose, "interval"))
    assert intervals[0] == (0.4, 0.6)


def test_lines_are_dark_where_the_verdict_changes():
    found = study({"dose": (0.5, 0.8, 1.0, 1.5), "kind": ("p", "q")})
    dose, kind = sensitivity_figure(found).axes
    assert len(marks(dose, "flip")) == 4  # 0.8 to 1 and 1 to 1.5, for p and for q
    assert len(marks(dose, "step")) == 2
    assert not marks(kind, "flip")
    assert len(marks(kind, "step")) == 4
    ends = sorted(tuple(line.get_ydata()) for line in marks(dose, "flip"))
    assert ends == [(0.8, 1.0)] * 2 + [(1.0, 1.5)] * 2
    assert "4 of 6 flip" in dose.get_title("left")


def test_levels_far_apart_are_drawn_evenly():
    found = study([Factor("dose", (0.1, 0.2, 10.0))])
    (ax,) = sensitivity_figure(found).axes
    assert list(ax.get_xticks()) == [0, 1, 2]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0.1", "0.2", "10.0"]
