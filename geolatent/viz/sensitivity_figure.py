"""Effects at every level of every choice, and where verdicts change."""

import math
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from geolatent.assumptions import Factor, SensitivityReport
from geolatent.assumptions.choices import Point
from geolatent.viz.style import INK, PAGE_WIDTH, QUIET, figure_style

VERDICT_STYLES = MappingProxyType(
    {
        "holds": ("#009E73", "o", "#009E73"),
        "violated": ("#D55E00", "X", "#D55E00"),
        "inconclusive": (QUIET, "o", "white"),
    }
)
"""Colour, marker and face of each verdict: they differ without colour, too."""

_TOLERATED = "#009E73"
_JITTER = 0.32  # of the least distance between two levels
_EVEN = 8.0  # ratio of the widest to the narrowest gap up to which numbers are drawn to scale
_ROW, _COLUMN = 1.45, 1.7  # inches


@figure_style()
def sensitivity_figure(report: SensitivityReport) -> Figure:
    """A panel for each claim and choice: the effect of every run with its interval.

    Green is tolerated. Lines join runs that differ in this choice alone, dark where the verdict
    changes. Above each panel is what the design says of the choice, and how many pairs flip.

    Args:
        report: at least one run of which was audited.

    Returns:
        The figure, as wide as a page.
    """
    claims, factors = report.claims, report.factors
    width = max(PAGE_WIDTH, 0.6 + _COLUMN * len(factors)) if len(factors) > 4 else PAGE_WIDTH
    fig = Figure(figsize=(width, 0.65 + _ROW * len(claims)), layout="constrained")
    axes = fig.subplots(len(claims), len(factors), sharey="row", sharex="col", squeeze=False)
    table = report.to_frame().set_index(["claim", "factor"])
    for row, claim in enumerate(claims):
        for column, factor in enumerate(factors):
            ax = axes[row, column]
            _panel(ax, report, claim, factor)
            ax.set_title(_said(table.loc[(claim, factor.name)]), fontsize=6.2, fontweight="normal")
            if row == len(claims) - 1:
                ax.set_xlabel(factor.name)
        axes[row, 0].set_ylabel(f"{claim}\neffect")
    fig.legend(handles=_legend(report), loc="outside upper left", ncols=6, columnspacing=1.3)
    return fig


def _panel(ax: Axes, report: SensitivityReport, claim: str, factor: Factor) -> None:
    places = _places(factor)
    gap = float(np.diff(sorted(places)).min())
    others = {id(run): k for k, run in enumerate(_by_the_others(report.runs, factor))}
    shift = {
        key: gap * _JITTER * (2 * (rank + 0.5) / len(others) - 1) for key, rank in others.items()
    }
    x = {id(run): places[_level(factor, run)] + shift[id(run)] for run in report.runs}
    runs = [run for run in report.runs if claim in run.findings]
    _tolerance(ax, runs, claim, factor, places, gap)
    flips = {
        (str(flip.levels[0]), str(flip.levels[1]), tuple(map(str, flip.settings.values())))
        for flip in report.flips(claim, factor.name)
    }
    for low, high in report.steps(claim, factor.name):
        rest = tuple(str(level) for name, level in low.settings.items() if name != factor.name)
        key = (str(low.settings[factor.name]), str(high.settings[factor.name]), rest)
        ends = low.findings[claim].effect, high.findings[claim].effect
        flipped = key in flips
        ax.plot(
            [x[id(low)], x[id(high)]], ends, color=INK if flipped else QUIET,
            alpha=0.9 if flipped else 0.35, linewidth=0.9 if flipped else 0.6, zorder=2,
            gid="flip" if flipped else "step",
        )  # fmt: skip
    for run in runs:
        found = run.findings[claim]
        if found.verdict not in VERDICT_STYLES:
            continue
        color, marker, face = VERDICT_STYLES[found.verdict]
        if all(map(math.isfinite, found.interval)):
            ax.plot(
                [x[id(run)]] * 2, found.interval, color=color, linewidth=0.9, zorder=3,
                solid_capstyle="butt", gid="interval",
            )  # fmt: skip
        edge, width = (color, 0.7) if face == "white" else ("white", 0.4)
        ax.plot(
            [x[id(run)]], [found.effect], marker, mfc=face, mec=edge, mew=width, markersize=4.2,
            zorder=4, gid=found.verdict,
        )  # fmt: skip
    ax.set_xticks(places, [str(level) for level in factor.levels])
    if not factor.ordered and max(len(str(level)) for level in factor.levels) > 8:
        ax.tick_params(axis="x", rotation=20)
    ax.set_xlim(min(places) - 0.6 * gap, max(places) + 0.6 * gap)


def _tolerance(
    ax: Axes,
    runs: Sequence[Point],
    claim: str,
    factor: Factor,
    places: Sequence[float],
    gap: float,
) -> None:
    """A green band at every level: what the claim tolerated there."""
    values = [
        v for run in runs for v in (run.findings[claim].effect, *run.findings[claim].interval)
    ]
    finite = [value for value in values if math.isfinite(value)]
    by_level = [
        {run.findings[claim].tolerated for run in runs if _level(factor, run) == level}
        for level in range(len(places))
    ]
    edges = [(place - gap / 2, place + gap / 2) for place in places]
    if len(set().union(*by_level)) == 1:  # the same everywhere
        by_level, edges = [set().union(*by_level)], [(min(places) - gap, max(places) + gap)]
    for bands, (left, right) in zip(by_level, edges, strict=True):
        for low, high in bands:
            bottom = low if math.isfinite(low) else min([*finite, 0.0])
            top = high if math.isfinite(high) else max(finite, default=high)
            ax.fill_between(
                [left, right], bottom, top, color=_TOLERATED, alpha=0.13, linewidth=0, zorder=0,
                gid="tolerated",
            )  # fmt: skip


def _places(factor: Factor) -> list[float]:
    """Where levels are drawn: as numbers, if they have an order and are spaced evenly enough."""
    numbers = factor.numbers()
    if factor.ordered and numbers is not None:
        gaps = np.abs(np.diff(numbers))
        if gaps.max() <= _EVEN * gaps.min():
            return numbers
    return [float(k) for k in range(len(factor.levels))]


def _level(factor: Factor, run: Point) -> int:
    return [str(level) for level in factor.levels].index(str(run.settings[factor.name]))


def _by_the_others(runs: Sequence[Point], factor: Factor) -> list[Point]:
    """Runs in the order of their other choices, so that a line stays where it is."""

    def others(run: Point) -> tuple[str, ...]:
        return tuple(str(level) for name, level in run.settings.items() if name != factor.name)

    return sorted(runs, key=others)


def _said(cell: Any) -> str:
    """What the design says of a choice, above its panel."""
    parts = []
    for name, symbol in (("mu_star", "μ*"), ("ST", "S$_T$")):
        value = cell.get(name, math.nan)
        if math.isfinite(value):
            half = cell.get(f"{name}_conf", math.nan)
            error = f" ± {half:.1g}" if math.isfinite(half) else ""
            parts.append(f"{symbol} {value:.2g}{error}")
    flips = f"{cell['flips']:.0f} of {cell['pairs']:.0f} flip"
    return ", ".join([*parts, flips])


def _legend(report: SensitivityReport) -> list[Any]:
    seen = {found.verdict for run in report.runs for found in run.findings.values()}
    handles: list[Any] = [
        Line2D(
            [], [], marker=marker, linestyle="none", mfc=face, label=verdict,
            mec=color if face == "white" else "white", markersize=4.6,
        )
        for verdict, (color, marker, face) in VERDICT_STYLES.items()
        if verdict in seen
    ]  # fmt: skip
    handles.append(Line2D([], [], color=INK, linewidth=0.9, label="verdict changes"))
    handles.append(Line2D([], [], color=QUIET, alpha=0.5, linewidth=0.7, label="it does not"))
    handles.append(Patch(color=_TOLERATED, alpha=0.13, linewidth=0, label="tolerated"))
    return handles
