"""Whole figures, composed."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from torch import Tensor, nn

from geolatent.interpolation import Comparison
from geolatent.latents import LatentModel, as_latent_model
from geolatent.viz.band import BAND_ALPHA, MOST_BANDS
from geolatent.viz.data_profile import QUANTITIES, data_profile
from geolatent.viz.decoded_strip import decoded_strip
from geolatent.viz.effect_forest import effect_forest, forest_height
from geolatent.viz.excess_distribution import excess_distribution
from geolatent.viz.latent_map import latent_map
from geolatent.viz.page_figure import PageFigure
from geolatent.viz.path_kinds import distinct_paths, path_handles
from geolatent.viz.speed_profile import speed_profile
from geolatent.viz.style import INK, PAGE_WIDTH, figure_style

_TIMES = 9


@figure_style()
def comparison_figure(
    model: LatentModel | nn.Module | Callable[[Tensor], Tensor],
    comparison: Comparison,
    codes: Float[Tensor, "m d"],
    *,
    pair: str,
    labels: Any = None,
    label_names: Sequence[str] | None = None,
    image_shape: Sequence[int] | None = None,
    ends: tuple[Float[Tensor, "b p"], Float[Tensor, "b p"]] | None = None,
) -> Figure:
    """One pair on the map, decoded, and in time among all pairs; the title says how it was chosen.

    Args:
        model: the subject of the comparison.
        comparison: straight lines and geodesics between random pairs.
        codes: of data, `(m, d)`, for the map; without one unless d is 2.
        pair: `"most bent"`, the greatest excess, or `"first drawn"`, which nobody chose.
        labels: classes of the codes, as `latent_map` takes them.
        label_names: their names.
        image_shape: shape of one datum, if data are images.
        ends: the data at the ends of the pairs.

    Returns:
        The figure, as wide as a page.

    Raises:
        ValueError: as the single figures do, or `pair` is unknown.
    """
    row, title = _choose(comparison, pair)
    subject = as_latent_model(model)
    strip = 0.25 + 0.87 * len(distinct_paths(comparison)) + 0.65 * _varies(comparison)
    fig = PageFigure(figsize=(PAGE_WIDTH, strip + 3.5), layout="constrained")
    fig.suptitle(title, x=0.012, ha="left", fontweight="bold")
    parts: Any = fig.subfigures(2, 1, height_ratios=[3.3, strip])
    upper, lower = parts
    decoded_strip(
        lower.subplots(), subject, comparison, row, image_shape=image_shape, ends=ends, count=_TIMES
    )
    if codes.shape[-1] == 2:
        left, right = upper.subplots(1, 2, width_ratios=[1.25, 1])
        latent_map(
            left, subject, codes, labels=labels, label_names=label_names, comparison=comparison,
            rows=(row,), marks=_TIMES,
        )  # fmt: skip
    else:
        right = upper.subplots()
    several = codes.shape[-1] == 2
    speed_profile(right, subject.induced_metric(), comparison, row=row, legend=not several)
    pairs = len(comparison.paths["geodesic"])
    bands = len(distinct_paths(comparison)) <= MOST_BANDS
    all_pairs = f"thick, shaded: median, 80% of {pairs}" if bands else f"thick: median of {pairs}"
    right.set_xlabel(f"time t along the path\n(thin: this pair; {all_pairs})")
    return fig


def _varies(comparison: Comparison) -> bool:
    spread = next(iter(comparison.profiles.values())).uncertainty
    return spread is not None and bool(spread.amax() - spread.amin() > 1e-3 * spread.amax())


def _choose(comparison: Comparison, pair: str) -> tuple[int, str]:
    pairs = len(comparison.paths["geodesic"])
    if pair == "most bent":
        row, name = int(comparison.most_bent(1)[0]), f"The most bent of {pairs} random pairs"
        remark = "an extreme, not an example"
    elif pair == "first drawn":
        row, name = 0, f"The first of {pairs} random pairs"
        remark = "drawn, not chosen"
    else:
        raise ValueError(f"unknown pair {pair!r}; choose 'most bent' or 'first drawn'.")
    excess = float(comparison.excess[row])
    found = "not measured" if excess != excess else f"straight line {excess:.1%} longer"
    return row, f"{name} ({remark}): {found}"


@figure_style()
def profiles_figure(
    model: LatentModel | nn.Module | Callable[[Tensor], Tensor], comparison: Comparison
) -> Figure:
    """Every pair in time: speed, and whatever was measured along the paths.

    Args:
        model: the subject of the comparison.
        comparison: paths between random pairs.

    Returns:
        The figure, as wide as a page.
    """
    profiles = list(comparison.profiles.values())
    quantities = [
        quantity
        for quantity in QUANTITIES
        if all(getattr(profile, quantity) is not None for profile in profiles)
        and (quantity != "uncertainty" or _varies(comparison))
    ]
    panels = 1 + len(quantities)
    columns = min(3, panels)
    rows = -(-panels // columns)
    width = PAGE_WIDTH if panels > 1 else PAGE_WIDTH / 2
    fig = PageFigure(figsize=(width, 0.5 + 2.0 * rows), layout="constrained")
    axes = list(fig.subplots(rows, columns, squeeze=False).flat)
    speed_profile(axes[0], as_latent_model(model).induced_metric(), comparison, legend=False)
    for ax, quantity in zip(axes[1:], quantities, strict=False):
        data_profile(ax, comparison, quantity=quantity, legend=False)
    for ax in axes[panels:]:
        ax.remove()
    handles = path_handles(axes[0], comparison)
    pairs = len(next(iter(comparison.paths.values())))
    title = f"median over {pairs} pairs"
    if len(handles) <= MOST_BANDS:
        band = Patch(color=INK, alpha=2 * BAND_ALPHA, linewidth=0, label=f"80% of {pairs} pairs")
        handles, title = [*handles, band], f"lines: {title}"
    fig.legend(
        handles=handles, loc="outside upper left", ncols=4, title=title, alignment="left",
        title_fontsize=6.8,
    )  # fmt: skip
    return fig


@figure_style()
def effects_figure(comparison: Comparison, *, reference: str = "linear") -> Figure:
    """What every path changes, in every measure (`effect_forest`), as wide as a page.

    Args:
        comparison: with at least two kinds of paths.
        reference: the path that the others are compared with.

    Returns:
        The figure.
    """
    measures = comparison.effects(reference=reference, resamples=1)["measure"].nunique()
    height = 1.0 + forest_height(measures, len(distinct_paths(comparison)) - 1)
    fig = PageFigure(figsize=(PAGE_WIDTH, height), layout="constrained")
    effect_forest(fig.subplots(), comparison, reference=reference)
    return fig


@figure_style()
def excess_figure(
    comparisons: Mapping[str, Comparison], *, null: Comparison | None = None
) -> Figure:
    """What share of pairs bends in each model (`excess_distribution`), as wide as a page.

    Args:
        comparisons: by the name of the model.
        null: the same comparison on an affine decoder.

    Returns:
        The figure.
    """
    fig = PageFigure(figsize=(PAGE_WIDTH, 2.9), layout="constrained")
    excess_distribution(fig.subplots(), comparisons, null=null)
    return fig
