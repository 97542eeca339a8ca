"""Error against time, one figure a case."""

from itertools import cycle
from pathlib import Path

import matplotlib
from case_outcome import CaseOutcome
from result import Result

matplotlib.use("Agg")

import matplotlib.pyplot as plt

_FLOOR = {"surface": 1e-10, "mlp": 1e-6, "convolutional": 1e-7, "spiral": 1e-6}
"""Below it the reference itself, or rounding, is what differs."""

# Okabe and Ito's colours, told apart by every kind of colour vision; black is ours.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#999999")
_MARKERS = ("s", "^", "D", "v", "P", "X", "o", "<", ">", "h", "*")


def error_plot(outcome: CaseOutcome, file: Path) -> None:
    """Mean relative excess energy against CPU time, settings of one method joined by a line."""
    floor = _FLOOR[outcome.kind]
    families: dict[str, list[Result]] = {}
    for result in outcome.results:
        if result.seconds is not None and result.mean == result.mean:
            families.setdefault(result.family, []).append(result)
    figure, axes = plt.subplots(figsize=(9, 5), layout="constrained")
    styles = zip(cycle(_COLOURS), cycle(_MARKERS))
    for family, members in families.items():
        own = family.startswith("geolatent")
        colour, marker = ("black", "o") if own else next(styles)
        front = _front(members)
        complete = all(r.pairs == outcome.pairs and not r.failures for r in front)
        axes.scatter(
            [r.seconds for r in members],
            [max(r.mean, floor) for r in members],
            color=colour,
            marker=marker,
            alpha=0.35,
            s=36,
            linewidths=0,
        )
        axes.plot(
            [r.seconds for r in front],
            [max(r.mean, floor) for r in front],
            color=colour,
            marker=marker,
            linestyle=("--" if "float64" in family else "-"),
            linewidth=2.2 if own else 1.2,
            markersize=7,
            markerfacecolor=colour if complete else "white",
            label=family if complete else f"{family} (some pairs)",
            zorder=3 if own else 2,
        )
    axes.axhline(0.01, color="0.6", linewidth=0.8, linestyle=":")
    axes.annotate(
        "1 %", (1, 0.01), xycoords=("axes fraction", "data"), ha="right", va="bottom", color="0.4"
    )
    if outcome.straight_excess > floor:
        axes.axhline(outcome.straight_excess, color="0.6", linewidth=0.8, linestyle="--")
        axes.annotate(
            "straight line",
            (1, outcome.straight_excess),
            xycoords=("axes fraction", "data"),
            ha="right",
            va="bottom",
            color="0.4",
        )
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="CPU seconds for 100 curves",
        ylabel="mean relative excess energy",
        title=f"{outcome.name}, {outcome.pairs} pairs; what is at {floor:.0e} is at or below it",
    )
    axes.grid(which="major", color="0.9")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside right center", frameon=False, fontsize=9)
    figure.savefig(file, dpi=130)
    plt.close(figure)


def _front(results: list[Result]) -> list[Result]:
    """Those that no faster one beats."""
    best, front = float("inf"), []
    for result in sorted(results, key=lambda r: r.seconds):
        if result.mean < best:
            front.append(result)
            best = result.mean
    return front
