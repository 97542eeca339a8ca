"""Which kinds of paths a figure shows, and their legend."""

from typing import Any

import torch
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.legend import Legend
from matplotlib.lines import Line2D

from geolatent.interpolation import Comparison
from geolatent.viz.style import PATH_STYLES


def distinct_paths(comparison: Comparison) -> list[str]:
    """Names of the paths to draw: without the declared geodesics where those are straight."""
    names = [name for name in PATH_STYLES if name in comparison.paths]
    names += [name for name in comparison.paths if name not in PATH_STYLES]
    if "assumed" in names and "linear" in names:
        straight, declared = (comparison.paths[name].points for name in ("linear", "assumed"))
        if torch.allclose(straight, declared, rtol=0, atol=1e-4 * float(straight.abs().max())):
            names.remove("assumed")
    return names


def path_legend(ax: Axes) -> Legend:
    """Name the kinds of paths on the axes in one row above them."""
    handles = path_handles(ax)
    return ax.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=min(3, len(handles)),
        borderaxespad=0.2, columnspacing=1.4,
    )  # fmt: skip


def path_handles(ax: Axes) -> list[Artist]:
    """One line for each kind of path on the axes, as legends show them."""
    shown = {str(line.get_label()): line for line in ax.get_lines()}
    return [
        Line2D([], [], color=line.get_color(), linestyle=_pattern(line), label=label)
        for label, line in shown.items()
        if not label.startswith("_")  # matplotlib's own, for what has no name
    ]


def _pattern(line: Line2D) -> Any:
    """How the line was asked to be dashed, which matplotlib keeps to itself for dashes."""
    styles = [*PATH_STYLES.values(), PATH_STYLES[str(line.get_label())]]
    return next(style.pattern for style in styles if style.label == line.get_label())
