"""How steadily paths go."""

import torch
from matplotlib.axes import Axes

from geolatent.interpolation import Comparison
from geolatent.metrics import Metric
from geolatent.viz.band import MOST_BANDS, draw_band
from geolatent.viz.path_kinds import distinct_paths, path_legend, path_styles
from geolatent.viz.path_speed import relative_speed
from geolatent.viz.style import QUIET, figure_style


@figure_style()
def speed_profile(
    ax: Axes, metric: Metric, comparison: Comparison, *, row: int | None = None, legend: bool = True
) -> Axes:
    """Draw the speed of each kind of path relative to its mean, over all pairs.

    A geodesic has constant speed 1. Where a straight line is fast, a small step of the code changes
    much; where it is slow, little.

    Args:
        ax: where to draw.
        metric: what speed is measured in: the metric of the comparison.
        comparison: the paths.
        row: one pair to draw thinly by itself.
        legend: name the kinds of paths above the axes.

    Returns:
        `ax`.
    """
    ax.axhline(1.0, color=QUIET, linewidth=0.6, zorder=0)
    names, styles = distinct_paths(comparison), path_styles(comparison)
    for name in names:
        path = comparison.paths[name]
        t, speed = relative_speed(metric, path)
        good = speed.masked_fill(~path.converged.unsqueeze(1), torch.nan)
        draw_band(ax, t, good, styles[name], selected=row, band=len(names) <= MOST_BANDS)
    ax.set_xlim(0, 1)
    ax.set_ylim(bottom=0)
    ax.set_xlabel("time t along the path")
    ax.set_ylabel("speed (mean of the path = 1)")
    if legend:
        path_legend(ax, comparison)
    return ax
