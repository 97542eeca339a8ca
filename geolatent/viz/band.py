"""Many curves over time as a median, a band and one of them."""

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from torch import Tensor

from geolatent.viz.style import LineStyle

BAND = (0.1, 0.9)
"""Quantiles of the curves between which a band lies."""

BAND_ALPHA = 0.08

MOST_BANDS = 3
"""Kinds of curves whose bands can be told apart on the same axes."""


def draw_band(
    ax: Axes,
    t: Float[Tensor, "t"],
    values: Float[Tensor, "b t"],
    style: LineStyle,
    *,
    selected: int | None = None,
    band: bool = True,
) -> None:
    """Draw the median over the curves, the band of 80 % of them, and one curve thinly.

    Args:
        ax: where.
        t: times, `(t,)`.
        values: one row for each curve, `(b, t)`; rows that are not finite are left out.
        style: how.
        selected: the row of the one curve.
        band: draw the band, with its edges; of many kinds of curves nobody could tell them apart.
    """
    time, rows = t.cpu().numpy(), values.detach().cpu().double().numpy()
    good = rows[np.isfinite(rows).all(1)]
    if len(good):
        low, middle, high = np.quantile(good, [BAND[0], 0.5, BAND[1]], axis=0)
        if band:
            ax.fill_between(
                time, low, high, color=style.color, alpha=BAND_ALPHA, linewidth=0, gid="band",
                zorder=1,
            )  # fmt: skip
            # Several bands on top of each other are one grey: their edges tell them apart.
            for edge in (low, high):
                ax.plot(
                    time, edge, color=style.color, linestyle=style.pattern, linewidth=0.7,
                    alpha=0.8, gid="edge", zorder=2,
                )  # fmt: skip
        ax.plot(
            time, middle, color=style.color, linestyle=style.pattern, linewidth=1.8,
            label=style.label, gid="median", zorder=3,
        )  # fmt: skip
    if selected is not None:
        ax.plot(
            time, rows[selected], color=style.color, linestyle=style.pattern, linewidth=0.8,
            gid="selected", zorder=2,
        )  # fmt: skip
