"""Whole figures, composed."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jaxtyping import Float, Int
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from torch import Tensor, nn

from geolatent.interpolation import Comparison
from geolatent.latents import LatentModel, as_latent_model
from geolatent.viz.data_profile import data_profile
from geolatent.viz.decoded_strip import decoded_strip
from geolatent.viz.excess_distribution import excess_distribution
from geolatent.viz.latent_map import latent_map
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
    labels: Int[Tensor, "m"] | None = None,
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
        labels: classes of the codes.
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
    fig = Figure(figsize=(PAGE_WIDTH, strip + 3.5), layout="constrained")
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
    right.set_xlabel(
        f"time t along the path\n(thin: this pair; thick, shaded: median, 80% of {pairs})"
    )
    return fig


def _varies(comparison: Comparison) -> bool:
    spread = comparison.profiles["geodesic"].uncertainty
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
    """Every pair in time: speed, distance to the data, and uncertainty where it varies.

    Args:
        model: the subject of the comparison.
        comparison: straight lines and geodesics between random pairs.

    Returns:
        The figure, as wide as a page.
    """
    profile = comparison.profiles["geodesic"]
    varies = _varies(comparison)
    panels = 1 + (profile.distance_to_data is not None) + varies
    fig = Figure(figsize=(PAGE_WIDTH if panels > 1 else PAGE_WIDTH / 2, 2.5), layout="constrained")
    axes = list(fig.subplots(1, panels, squeeze=False)[0])
    speed_profile(axes[0], as_latent_model(model).induced_metric(), comparison, legend=False)
    if profile.distance_to_data is not None:
        data_profile(axes[1], comparison, quantity="distance_to_data", legend=False)
    if varies:
        data_profile(axes[-1], comparison, quantity="uncertainty", legend=False)
    pairs = len(comparison.paths["geodesic"])
    band = Patch(color=INK, alpha=0.16, linewidth=0, label=f"80% of {pairs} pairs (line: median)")
    fig.legend(handles=[*path_handles(axes[0]), band], loc="outside upper left", ncols=4)
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
    fig = Figure(figsize=(PAGE_WIDTH, 2.9), layout="constrained")
    excess_distribution(fig.subplots(), comparisons, null=null)
    return fig
