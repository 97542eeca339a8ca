"""How much every path changes, measure by measure."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from matplotlib.transforms import offset_copy

from geolatent.interpolation import MEASURES, Comparison
from geolatent.viz.path_kinds import distinct_paths, path_styles
from geolatent.viz.style import INK, NULL_COLOR, QUIET, figure_style

_TICKS = (0, 0.5, 1, 3, 10, 30, 100, 300, 1000)
_LINE = 6.4  # points between the paths of a measure


@figure_style()
def effect_forest(
    ax: Axes, comparison: Comparison, *, reference: str = "linear", legend: bool = True
) -> Axes:
    """Draw the median paired difference of every path from one of them, in every measure.

    Differences are in units of what matters in their measure, so that all share one axis: inside
    the grey band they do not matter. Bars are 95 % bootstrap intervals of the median; the number
    beside a dot is the share of pairs that differ by more than what matters, either way, with the
    number of pairs that could not be measured. Grey rings
    are the same on the affine decoder. The scale is linear up to 1 and logarithmic beyond.

    Args:
        ax: where to draw.
        comparison: with at least two kinds of paths.
        reference: the path that the others are compared with.
        legend: name the kinds of paths above the axes.

    Returns:
        `ax`.

    Raises:
        ValueError: the reference is not among the paths, or no other one is.
    """
    effects = comparison.effects(reference=reference)
    names = [name for name in distinct_paths(comparison) if name != reference]
    if not names or effects.empty:
        raise ValueError(f"there is no path to compare with {reference!r}: compare two or more.")
    keys = [key for key in MEASURES if key in set(effects["measure"])]
    figure: Any = ax.get_figure()
    styles = path_styles(comparison)
    ax.axvspan(-1, 1, color=QUIET, alpha=0.13, linewidth=0, zorder=0, gid="does-not-matter")
    ax.axvline(0, color=QUIET, linewidth=0.7, zorder=1)
    table = effects.set_index(["path", "measure"])
    reach = 1.0  # what matters is in sight
    for place, name in enumerate(names):
        style = styles[name]
        drop = _LINE * ((len(names) - 1) / 2 - place)
        moved = offset_copy(ax.transData, figure, x=0, y=drop, units="points")
        for y, key in enumerate(keys):
            row = table.loc[(name, key)]
            beside = offset_copy(ax.get_yaxis_transform(), figure, x=3, y=drop, units="points")
            share = f"{row['share']:.0%}" if row["pairs"] else "–"
            failed = f" ({row['failed']} failed)" if row["failed"] else ""
            ax.text(
                1.0, y, share + failed, transform=beside, color=style.color, fontsize=5.6,
                ha="left", va="center", gid="share",
            )  # fmt: skip
            if not row["pairs"]:
                continue
            unit = row["matters"]
            low, middle, high = (row[part] / unit for part in ("low", "difference", "high"))
            reach = max(reach, abs(low), abs(high))
            ax.plot(
                [low, high], [y, y], color=style.color, linewidth=1.8, solid_capstyle="butt",
                transform=moved, zorder=3, gid="interval",
            )  # fmt: skip
            if np.isfinite(row.get("null_difference", np.nan)):
                reach = max(reach, abs(row["null_difference"]) / unit)
                ax.plot(
                    [row["null_difference"] / unit], [y], "o", mfc="none", mec=NULL_COLOR,
                    markersize=5.6, markeredgewidth=0.8, transform=moved, zorder=2, gid="null",
                )  # fmt: skip
            ax.plot(
                [middle], [y], "o", color=style.color, markersize=3.6, mec="white",
                markeredgewidth=0.5, transform=moved, zorder=4, gid="difference",
            )  # fmt: skip
        ax.plot([], [], color=style.color, label=style.label, gid="kind")
    ax.set_xscale("asinh", linear_width=1.0)
    reach *= 1.25
    ax.set_xlim(-reach, reach)
    ticks = [tick for tick in _TICKS if tick <= reach and (tick != 0.5 or reach < 3)]
    ax.xaxis.set_major_locator(FixedLocator([-tick for tick in ticks[:0:-1]] + ticks))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", "−")))
    ax.set_ylim(len(keys) - 0.4, -0.6)
    labels = [_label(key, table.loc[(names[0], key)]) for key in keys]
    ax.set_yticks(range(len(keys)), labels, color=INK)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    words = styles[reference].label
    ax.set_xlabel(f"difference from the {words}, in units of what matters (grey: does not)")
    ax.annotate(
        "pairs\nbeyond", (1.0, 1.0), xycoords="axes fraction", xytext=(3, 1),
        textcoords="offset points", fontsize=5.6, color=QUIET, ha="left", va="bottom",
    )  # fmt: skip
    if legend:
        handles: list[Any] = [line for line in ax.get_lines() if line.get_gid() == "kind"]
        if comparison.null is not None:
            ring: Any = {
                "mfc": "none",
                "mec": NULL_COLOR,
                "markersize": 5.6,
                "markeredgewidth": 0.8,
            }
            label = "the same on an affine decoder"
            handles.append(Line2D([], [], marker="o", linestyle="none", label=label, **ring))
        ax.legend(
            handles=handles, loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=3,
            borderaxespad=0.2, columnspacing=1.4,
        )  # fmt: skip
    return ax


def forest_height(measures: int, paths: int) -> float:
    """Inches that the axes of so many measures need for so many paths against a reference."""
    return measures * max(0.3, (paths + 1) * _LINE / 72)


def _label(key: str, row: Any) -> str:
    """The measure and what one unit of the axis is."""
    measure = MEASURES[key]
    if measure.scale == "ratio":
        return f"{measure.title}\n1 ≙ {measure.matters:.0%}"
    return f"{measure.title}\n1 ≙ {row['matters']:g} {measure.unit}".rstrip()
