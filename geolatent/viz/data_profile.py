"""What decoded data are like along paths."""

import torch
from matplotlib.axes import Axes

from geolatent.interpolation import Comparison
from geolatent.viz.band import MOST_BANDS, draw_band
from geolatent.viz.path_kinds import distinct_paths, path_legend, path_styles
from geolatent.viz.style import HALO, QUIET, figure_style

_LABELS: dict[str, str] = {
    "distance_to_data": "distance to nearest datum\n(RMS, data's units)",
    "uncertainty": "stated uncertainty σ\n(RMS, data's units)",
    "cycle_error": "change by one more cycle\n(RMS, data's units)",
    "evidence_bound": "evidence bound of\ndecoded data (nats)",
    "purity": "probability of the\nlikeliest class",
    "end_class_probability": "probability of the\nclass at the end",
}

QUANTITIES: tuple[str, ...] = tuple(_LABELS)
"""What can be drawn, in order."""

_LEFT_OUT = {
    "distance_to_data": "distance to data",
    "cycle_error": "cycle error",
    "evidence_bound": "evidence bound",
    "purity": "classes",
    "end_class_probability": "classes",
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
    """Draw what the decoded data are like along the paths, over all pairs.

    The distance is to be read against the spacing of the data themselves, the median distance of a
    training datum to its nearest other one, which is drawn as a line.

    Args:
        ax: where to draw.
        comparison: paths with their profiles.
        quantity: `"distance_to_data"`, `"uncertainty"`, `"cycle_error"`, `"evidence_bound"`,
            `"purity"` or `"end_class_probability"`: a part of `Profile`.
        row: one pair to draw thinly by itself.
        legend: name the kinds of paths above the axes.

    Returns:
        `ax`.

    Raises:
        ValueError: the quantity is unknown, or the comparison has not measured it.
    """
    if quantity not in _LABELS:
        raise ValueError(f"unknown quantity {quantity!r}; choose from {list(_LABELS)}.")
    names, styles = distinct_paths(comparison), path_styles(comparison)
    for name in names:
        values = getattr(comparison.profiles[name], quantity)
        if values is None:
            reason = comparison.left_out.get(_LEFT_OUT.get(quantity, quantity), "not measured")
            raise ValueError(f"the comparison has no {quantity}: {reason}.")
        good = values.masked_fill(~comparison.paths[name].converged.unsqueeze(1), torch.nan)
        t = torch.linspace(0, 1, values.shape[1])
        draw_band(ax, t, good, styles[name], selected=row, band=len(names) <= MOST_BANDS)
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
    if quantity in ("purity", "end_class_probability"):
        ax.set_ylim(0, 1.02)
    elif quantity != "evidence_bound":  # the only one that has no zero
        ax.set_ylim(bottom=0)
    ax.set_xlabel("time t along the path")
    ax.set_ylabel(_LABELS[quantity])
    if legend:
        path_legend(ax, comparison)
    return ax
