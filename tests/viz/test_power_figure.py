from geolatent.calibration import CalibratedSimulation, Calibration, Rate
from geolatent.viz import power_figure


def one(claim, effect, violated, *, holds=0, blind=""):
    return CalibratedSimulation(
        claim=claim,
        family=f"{effect}",
        effect=effect,
        tolerance="≤ 0.1",
        edge=0.1,
        side="true" if effect < 0.1 else "false",
        blind=blind,
        holds=Rate(holds, 20),
        violated=Rate(violated, 20),
        covered=Rate(20, 20),
        recovered={},
    )


def test_marks_are_rates_over_effects_in_tolerances():
    simulations = (
        one("flat", 0.05, 1, holds=15),
        one("flat", 0.2, 18),
        one("flat", 0.9, 20, blind="cannot"),
        one("smooth", 0.0, 0, holds=20),
    )
    figure = power_figure(Calibration(simulations))
    flat, smooth, *empty = figure.axes
    assert [flat.get_title(loc="left"), smooth.get_title(loc="left")] == ["flat", "smooth"]
    marks = [line for line in flat.get_lines() if line.get_gid() == "violated"]
    assert [round(m.get_xdata()[0], 9) for m in marks] == [0.5, 2.0, 3.0]
    assert [m.get_ydata()[0] for m in marks] == [0.05, 0.9, 1.0]
    assert [m.get_markerfacecolor() == "white" for m in marks] == [False, False, True]
    holds = [line for line in flat.get_lines() if line.get_gid() == "holds"]
    assert [m.get_ydata()[0] for m in holds] == [0.75, 0.0, 0.0]
    assert not any(ax.axison for ax in empty)
