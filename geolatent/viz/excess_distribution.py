"""What share of pairs bends, and by how much."""

import math
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator, PercentFormatter
from matplotlib.transforms import offset_copy
from torch import Tensor

from geolatent.interpolation import Bend, Comparison
from geolatent.viz.style import NULL_COLOR, QUIET, SUBJECT_STYLES, LineStyle, figure_style

_TICKS = (0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)


@figure_style()
def excess_distribution(
    ax: Axes,
    comparisons: Mapping[str, Comparison],
    *,
    null: Comparison | None = None,
    threshold: float = 0.05,
) -> Axes:
    """Draw, for every amount of excess length, the share of all pairs that have more of it.

    The curve crosses the threshold at the share of pairs that count as bent, drawn with its 95 %
    interval; it crosses one half at the median, drawn with its own. The legend says both in words.
    The scale is linear up to about 1 % and logarithmic beyond.

    Args:
        ax: where to draw.
        comparisons: by the name of the model.
        null: the same comparison on an affine decoder: what the measurement finds on flat ground.
        threshold: excess from which a pair counts as bent.

    Returns:
        `ax`.

    Raises:
        ValueError: there is nothing to draw, or there are more than four models.
    """
    if not 1 <= len(comparisons) <= len(SUBJECT_STYLES):
        raise ValueError(
            f"between 1 and {len(SUBJECT_STYLES)} models can be told apart in one figure, "
            f"got {len(comparisons)}."
        )
    ax.axvline(threshold, color=QUIET, linewidth=0.9, linestyle=(0, (1, 1.2)), gid="threshold")
    subjects = list(zip(comparisons.items(), SUBJECT_STYLES, strict=False))
    greatest = max(
        _draw(ax, name, comparison, style, threshold, 3.0 * (place - (len(subjects) - 1) / 2))
        for place, ((name, comparison), style) in enumerate(subjects)
    )
    if null is not None:
        flat = LineStyle("", NULL_COLOR, (0, (2, 1)))
        greatest = max(greatest, _draw(ax, "null: affine decoder", null, flat, threshold, 0.0))
    ax.set_xscale("asinh", linear_width=0.01)
    right = max(2 * threshold, 1.2 * greatest)
    ax.set_xlim(-0.002, right)
    ax.xaxis.set_major_locator(FixedLocator([tick for tick in _TICKS if tick <= right]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g}%"))
    ax.set_ylim(0, 1.02)
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    ax.set_xlabel("excess length of the straight line over the geodesic")
    ax.set_ylabel("share of pairs with more than that")
    ax.text(
        threshold, 1.03, f"bent: more than {threshold:.0%} →", transform=ax.get_xaxis_transform(),
        ha="left", va="bottom", fontsize=6.8, color=QUIET,
    )  # fmt: skip
    ax.legend(
        loc="upper left", bbox_to_anchor=(1.02, 1.0), borderaxespad=0, labelspacing=1.1,
        title="95% intervals in brackets and as bars", alignment="left", title_fontsize=6.8,
    )  # fmt: skip
    return ax


def _draw(
    ax: Axes,
    name: str,
    comparison: Comparison,
    style: LineStyle,
    threshold: float,
    shift: float,
) -> float:
    bend = comparison.bend(threshold=threshold)
    x, share = survival(comparison.excess)
    ax.plot(
        x, share, drawstyle="steps-post", color=style.color, linestyle=style.pattern,
        linewidth=1.5, label=_in_words(name, bend), gid="survival",
    )  # fmt: skip
    if not bend.pairs:
        return 0.0
    # The bars of several models stand beside each other, a few points apart.
    figure = cast(Figure, ax.get_figure())
    aside = offset_copy(ax.transData, figure, x=shift, y=0, units="points")
    above = offset_copy(ax.transData, figure, x=0, y=shift, units="points")
    ax.plot(
        [threshold] * 2, bend.share_interval, color=style.color, linewidth=2.2, alpha=0.6,
        solid_capstyle="butt", gid="share-interval", transform=aside,
    )  # fmt: skip
    ax.plot(
        bend.median_interval, [0.5] * 2, color=style.color, linewidth=2.2, alpha=0.6,
        solid_capstyle="butt", gid="median-interval", transform=above,
    )  # fmt: skip
    dot: dict[str, Any] = {"marker": "o", "color": style.color, "markersize": 3.8, "mec": "white"}
    ax.plot([threshold], [bend.share], gid="share", transform=aside, **dot)
    ax.plot([bend.median], [0.5], gid="median", transform=above, **dot)
    return bend.greatest


def survival(excess: Float[Tensor, "b"]) -> tuple[np.ndarray, np.ndarray]:
    """Excess in rising order and the share of measured pairs that exceed each."""
    values = excess.detach().cpu().double().numpy()
    good = np.sort(values[np.isfinite(values)])
    if not good.size:
        return np.zeros(0), np.zeros(0)
    share = 1 - np.arange(good.size + 1) / good.size
    return np.concatenate([[min(-1.0, good[0])], good]), share


def _in_words(name: str, bend: Bend) -> str:
    if not bend.pairs or math.isnan(bend.share):
        return f"{name}: no pair could be measured"
    low, high = bend.share_interval
    text = (
        f"{name}\n{bend.share:.0%} of {bend.pairs} pairs bend by more than {bend.threshold:.0%} "
        f"({low:.0%} to {high:.0%})\nmedian excess {bend.median:.1%} "
        f"({bend.median_interval[0]:.1%} to {bend.median_interval[1]:.1%})"
    )
    return text + (f"; {bend.failed} more pairs failed" if bend.failed else "")
