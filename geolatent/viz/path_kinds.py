"""Which kinds of paths a figure shows, and their legend."""

from dataclasses import replace

import torch
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.legend import Legend
from matplotlib.lines import Line2D

from geolatent.interpolation import Comparison
from geolatent.viz.style import OWN_STYLES, PATH_STYLES, LineStyle


def distinct_paths(comparison: Comparison) -> list[str]:
    """Names of the paths to draw: without the declared geodesics where those are straight."""
    names = [name for name in PATH_STYLES if name in comparison.paths]
    names += [name for name in comparison.paths if name not in PATH_STYLES]
    if "assumed" in names and "linear" in names:
        straight, declared = (comparison.paths[name].points for name in ("linear", "assumed"))
        if torch.allclose(straight, declared, rtol=0, atol=1e-4 * float(straight.abs().max())):
            names.remove("assumed")
    return names


def path_styles(comparison: Comparison) -> dict[str, LineStyle]:
    """How each kind of path looks: those that everybody knows as always, others by their order."""
    own = [name for name in comparison.paths if name not in PATH_STYLES]
    styles = {name: PATH_STYLES[name] for name in comparison.paths if name in PATH_STYLES}
    for place, name in enumerate(own):
        styles[name] = replace(OWN_STYLES[place % len(OWN_STYLES)], label=name)
    return styles


def path_legend(ax: Axes, comparison: Comparison) -> Legend:
    """Name the kinds of paths on the axes in one row above them."""
    handles = path_handles(ax, comparison)
    return ax.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=min(3, len(handles)),
        borderaxespad=0.2, columnspacing=1.4,
    )  # fmt: skip


def path_handles(ax: Axes, comparison: Comparison) -> list[Artist]:
    """One line for each kind of path on the axes, as legends show them."""
    shown = [str(line.get_label()) for line in ax.get_lines()]
    styles = {style.label: style for style in path_styles(comparison).values()}
    return [
        Line2D([], [], color=styles[label].color, linestyle=styles[label].pattern, label=label)
        for label in dict.fromkeys(shown)
        if label in styles
    ]
