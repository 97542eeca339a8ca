"""How often an audit says what, over how large the effect is."""

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, PercentFormatter

from geolatent.calibration import NOMINAL, Calibration, ClaimCalibration, Rate
from geolatent.viz.style import INK, NULL_COLOR, PAGE_WIDTH, PATH_STYLES, QUIET, figure_style

_COLUMNS = 4
_WIDEST = 3.0  # tolerances: what is beyond stands at the right edge
_HEIGHT = 1.45  # inches of a row
_MARKS = (("violated", "linear", "o"), ("holds", "geodesic", "s"))


@figure_style()
def power_figure(calibration: Calibration) -> Figure:
    """Draw, for every claim, the rates of both definite verdicts over the effect.

    Effects are in units of what is tolerated: left of 1 the claim is true, and each 'violated' is a
    false alarm; right of 1 it is false (with a tolerance from below, the other way round), and each
    'holds' a false reassurance. One mark for each simulation, its bar the exact 95 % interval;
    hollow ones cannot be seen by the estimator and are documented so. Dotted: 5 %.

    Args:
        calibration: at least one claim.

    Returns:
        The figure.
    """
    claims = calibration.claims
    rows = math.ceil(len(claims) / _COLUMNS)
    figure = Figure(figsize=(PAGE_WIDTH, _HEIGHT * rows + 0.5), layout="constrained")
    grid = figure.subplots(rows, _COLUMNS, sharex=True, sharey=True, squeeze=False)
    for ax, (name, claim) in zip(grid.flat, claims.items(), strict=False):
        _draw(ax, name, claim)
    for ax in grid.flat[len(claims) :]:
        ax.set_axis_off()
    for ax in grid.flat[max(0, len(claims) - _COLUMNS) : len(claims)]:
        ax.tick_params(labelbottom=True)
    handles, labels = grid.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    figure.supxlabel("effect, in units of what is tolerated", fontsize=7.5)
    figure.supylabel("share of audits", fontsize=7.5)
    return figure


def _draw(ax: Axes, name: str, claim: ClaimCalibration) -> None:
    ax.set_title(name, fontsize=7.0)
    ax.axvline(1, color=QUIET, linewidth=0.8)
    ax.axhline(NOMINAL, color=NULL_COLOR, linewidth=0.7, linestyle=(0, (1, 1.2)))
    for verdict, path, marker in _MARKS:
        color = PATH_STYLES[path].color
        for number, one in enumerate(claim.simulations):
            rate: Rate = getattr(one, verdict)
            x = min(abs(one.effect / one.edge), _WIDEST)
            low, high = rate.interval
            ax.plot([x, x], [low, high], color=color, linewidth=0.9, alpha=0.45, zorder=2)
            ax.plot(
                [x], [rate.value], marker, color=color, markersize=3.2, alpha=0.85, zorder=3,
                markerfacecolor="white" if one.blind else color,
                label=f"'{verdict}'" if not number else None, gid=verdict, linestyle="none",
            )  # fmt: skip
    ax.set_xlim(-0.1, _WIDEST + 0.1)
    ax.set_ylim(-0.03, 1.03)
    ax.xaxis.set_major_locator(FixedLocator([0, 1, 2, 3]))
    ax.set_xticklabels(["0", "1", "2", "≥ 3"], color=INK)
    ax.yaxis.set_major_locator(FixedLocator([0, 0.5, 1]))
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
