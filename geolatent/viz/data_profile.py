"""How far from the data paths lead."""

import torch
from matplotlib.axes import Axes

from geolatent.interpolation import Comparison
from geolatent.viz.band import draw_band
from geolatent.viz.path_kinds import distinct_paths, path_legend
from geolatent.viz.style import HALO, PATH_STYLES, QUIET, figure_style

_LABELS: dict[str, str] = {
    "distance_to_data": "distance to nearest datum\n(RMS, data's units)",
    "uncertainty": "stated uncertainty σ\n(RMS, data's units)",
}


@figure_style()
def data_profile(
    ax: Axes,
    comparison: Comparison,
    *,
    quantity: str = "distance_to_data",
    row: int | None = None,
    legend: bool = True,
) -> Axes:
    """Draw how far decoded paths are from the data, or how uncertain the model is along them.

    The distance is to be read against the spacing of the data themselves, the median distance of a
    training datum to its nearest other one, which is drawn as a line.

    Args:
        ax: where to draw.
        comparison: paths with their profiles.
        quantity: `"distance_to_data"` or `"uncertainty"`.
        row: one pair to draw thinly by itself.
        legend: name the kinds of paths above the axes.

    Returns:
        `ax`.

    Raises:
        ValueError: the comparison was made without data, or the model states no uncertainty.
    """
    if quantity not in _LABELS:
        raise ValueError(f"unknown quantity {quantity!r}; choose from {list(_LABELS)}.")
    for name in distinct_paths(comparison):
        values = getattr(comparison.profiles[name], quantity)
        if values is None:
            raise ValueError(
                f"the comparison has no {quantity}: "
                + (
                    "pass `data` to compare()."
                    if quantity == "distance_to_data"
                    else "its subject states no uncertainty."
                )
            )
        good = values.masked_fill(~comparison.paths[name].converged.unsqueeze(1), torch.nan)
        t = torch.linspace(0, 1, values.shape[1])
        draw_band(ax, t, good, PATH_STYLES[name], selected=row)
    if quantity == "distance_to_data" and comparison.data_spacing is not None:
        ax.axhline(
            comparison.data_spacing, color=QUIET, linewidth=0.9, linestyle=(0, (1, 1.2)),
            gid="spacing",
        )  # fmt: skip
        ax.annotate(
            "spacing of the data", (0.5, comparison.data_spacing), xytext=(0, -2),
            textcoords="offset points", ha="center", va="top", fontsize=6.3, color=QUIET,
            path_effects=list(HALO), zorder=5,
        )  # fmt: skip
    ax.set_xlim(0, 1)
    ax.set_ylim(bottom=0)
    ax.set_xlabel("time t along the path")
    ax.set_ylabel(_LABELS[quantity])
    if legend:
        path_legend(ax)
    return ax
