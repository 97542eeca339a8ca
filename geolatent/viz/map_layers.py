"""The layers of a map, each drawn on axes that it is given."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, LogNorm, Normalize, SymLogNorm
from matplotlib.patches import Circle
from torch import Tensor

from geolatent.curvature import indicatrix
from geolatent.latents import LatentModel
from geolatent.viz.declared_chart import broken
from geolatent.viz.geodesic_circles import GeodesicCircles
from geolatent.viz.latent_chart import LatentChart
from geolatent.viz.latent_field import LatentField
from geolatent.viz.local_excess import LocalExcess
from geolatent.viz.page_grid import PageGrid
from geolatent.viz.style import (
    CLASS_COLORS,
    CONDITION_COLORS,
    CURVATURE_COLORS,
    EXCESS_COLORS,
    HALO,
    INK,
    MAGNIFICATION_COLORS,
    PATH_STYLES,
    QUIET,
    UNCERTAINTY_COLORS,
    figure_style,
)

_MOST_CODES = 1500


@final
@dataclass(frozen=True)
class _Relief:
    """How one quantity of a field is coloured."""

    label: str
    colors: Colormap


QUANTITIES = {
    "log10_magnification": _Relief("log₁₀ induced area per declared area", MAGNIFICATION_COLORS),
    "log10_condition": _Relief("log₁₀ condition number", CONDITION_COLORS),
    "curvature": _Relief("Gaussian curvature K\n(1 / unit of induced length²)", CURVATURE_COLORS),
    "uncertainty": _Relief("stated σ of the data (RMS)", UNCERTAINTY_COLORS),
}


@figure_style()
def draw_relief(ax: Axes, field: LatentField, quantity: str, *, bar: bool = True) -> Axes:
    """Colour the ground by a quantity of a field.

    The scale ends at the 1st and 99th percentile, which the bar's arrows say; that of the curvature
    is symmetric about 0, linear up to the median of |K| and logarithmic beyond.

    Args:
        ax: where.
        field: measured by `latent_field`.
        quantity: 'log10_magnification', 'log10_condition', 'curvature' or 'uncertainty'.
        bar: draw the scale beside the map.

    Returns:
        `ax`.

    Raises:
        ValueError: the quantity is unknown or not in the field.
    """
    if quantity not in QUANTITIES:
        raise ValueError(f"unknown quantity {quantity!r}; choose from {list(QUANTITIES)}.")
    values = getattr(field, quantity)
    if values is None:
        raise ValueError(f"the field has no {quantity}: its model states none.")
    relief = QUANTITIES[quantity]
    draw_ground(
        ax, field.grid, field.chart, values, colors=relief.colors,
        label=relief.label if bar else None, symmetric=quantity == "curvature",
    )  # fmt: skip
    return ax


def draw_ground(
    ax: Axes,
    grid: PageGrid,
    chart: LatentChart,
    values: Float[Tensor, "h w"],
    *,
    colors: Colormap,
    label: str | None,
    symmetric: bool = False,
) -> None:
    """Colour the cells of a grid, set the limits, and draw a bar if it has a label."""
    relief = values.numpy()
    finite = relief[np.isfinite(relief)]
    mesh = ax.pcolormesh(
        grid.x, grid.y, np.ma.masked_invalid(relief), cmap=colors,
        norm=_norm(finite, symmetric=symmetric), rasterized=True, zorder=0,
    )  # fmt: skip
    if math.isfinite(grid.rim):
        mesh.set_clip_path(Circle((0, 0), grid.rim, transform=ax.transData))
    frame_page(ax, grid, chart)
    if label is not None:
        _draw_bar(ax, mesh, label)


def _draw_bar(ax: Axes, colored: ScalarMappable, label: str) -> None:
    # An inset keeps to the map's height, whatever its aspect ratio makes of it.
    scale = ax.figure.colorbar(colored, cax=ax.inset_axes((1.03, 0.0, 0.035, 1.0)), extend="both")
    scale.set_label(label)
    scale.outline.set_visible(False)
    scale.minorticks_off()


def _norm(values: np.ndarray, *, symmetric: bool) -> Normalize:
    # Isolated extremes would take the contrast from everything else; the bar's ends say so.
    low, high = np.quantile(values, [0.01, 0.99]) if values.size else (0.0, 1.0)
    if not symmetric:
        return Normalize(low, max(high, low + 1e-3))
    largest = max(abs(low), abs(high), 1e-12)
    linear = float(np.median(np.abs(values))) if values.size else 1.0
    # Less than two decades on each side: then a linear scale reads better.
    linear = min(max(linear, largest / 30), largest)
    if linear > largest / 3:
        return Normalize(-largest, largest)
    return SymLogNorm(linear, vmin=-largest, vmax=largest)


def frame_page(ax: Axes, grid: PageGrid, chart: LatentChart) -> None:
    """Limits, axes and captions of a map."""
    ax.set_xlim(grid.x[0], grid.x[-1])
    ax.set_ylim(grid.y[0], grid.y[-1])
    ax.set_aspect("equal")
    if chart.round:
        ax.add_patch(Circle((0, 0), 1.0, fill=False, edgecolor=INK, linewidth=0.9, zorder=3))
        ax.set_axis_off()
    else:
        ax.set_xlabel(chart.labels[0])
        ax.set_ylabel(chart.labels[1])


@figure_style()
def draw_codes(
    ax: Axes,
    chart: LatentChart,
    codes: Float[Tensor, "m d"],
    *,
    labels: Int[Tensor, " m"] | None = None,
    label_names: Sequence[str] | None = None,
    size: float = 5.0,
) -> Axes:
    """Draw codes as dots, and the name of each class at its most central code.

    Args:
        ax: where.
        chart: of the page.
        codes: of more than 1500, evenly spaced ones are shown.
        labels: classes, `(m,)`.
        label_names: their names; their numbers if not given.
        size: area of a dot, in points².

    Returns:
        `ax`.
    """
    count = len(codes)
    chosen = torch.linspace(0, count - 1, min(count, _MOST_CODES)).long()
    page = chart.to_page(codes.detach())
    shown = page[chosen].cpu().numpy()
    colors: Any = CLASS_COLORS[0]
    if labels is not None:
        colors = [CLASS_COLORS[int(label) % len(CLASS_COLORS)] for label in labels[chosen]]
    ax.scatter(
        shown[:, 0], shown[:, 1], s=size, c=colors, alpha=0.85, linewidths=0.2, edgecolors="white",
        rasterized=True, zorder=2, gid="codes",
    )  # fmt: skip
    for label in [] if labels is None else labels.unique().tolist():
        members = page[labels == label]
        left, bottom = members[_medoid(members)].tolist()
        name = str(label) if label_names is None else label_names[label]
        ax.annotate(
            name, (left, bottom), ha="center", va="center", fontsize=8.5, fontweight="bold",
            color=CLASS_COLORS[label % len(CLASS_COLORS)], path_effects=list(HALO), zorder=6,
            gid="class",
        )  # fmt: skip
    return ax


def _medoid(points: Tensor) -> int:
    sample = points[torch.linspace(0, len(points) - 1, min(len(points), 500)).long()]
    return int(torch.cdist(points, sample).sum(1).argmin())


@figure_style()
def draw_indicatrices(
    ax: Axes,
    model: LatentModel,
    chart: LatentChart,
    codes: Float[Tensor, "m d"],
    *,
    length: float | None = None,
) -> Axes:
    """Draw the ellipse of steps of one induced length around some codes, true to the page's scale.

    Args:
        ax: where, with its limits set.
        model: whose induced metric.
        chart: of the page.
        codes: the centres, `(m, d)`.
        length: of the steps, in induced units, to first order; chosen so that the typical ellipse
            is readable if not given.

    Returns:
        `ax`, with the length said in its corner.
    """
    surface, w = chart.surface(model.induced_metric()), chart.on_surface(codes.detach())
    ellipses = indicatrix(surface, w)
    if length is None:
        size = torch.linalg.vector_norm(ellipses, dim=-1).amax(1)
        span = float(ax.get_xlim()[1] - ax.get_xlim()[0])
        on_page = torch.linalg.vector_norm(
            chart.to_page(chart.from_surface(w.unsqueeze(1) + 1e-3 * ellipses))
            - chart.to_page(codes.detach()).unsqueeze(1),
            dim=-1,
        ).amax(1)
        typical = float((1e3 * on_page)[size.isfinite()].median()) if size.isfinite().any() else 1.0
        length = float(f"{0.045 * span / typical:.1g}")
    outline = chart.to_page(chart.from_surface(w.unsqueeze(1) + length * ellipses))
    for points in broken(outline, chart).cpu().numpy():
        if np.isfinite(points).all():
            ax.fill(
                points[:, 0], points[:, 1], facecolor="white", alpha=0.55, edgecolor=INK,
                linewidth=0.6, zorder=3, gid="indicatrix",
            )  # fmt: skip
    say(ax, f"ellipses: steps of induced length {length:g}")
    return ax


@figure_style()
def draw_curves(
    ax: Axes,
    chart: LatentChart,
    points: Float[Tensor, "b t d"],
    kind: str,
    *,
    width: float = 1.9,
    ends: bool = True,
) -> Axes:
    """Draw curves in the style of their kind, with their ends (a circle, a square).

    Args:
        ax: where.
        chart: of the page.
        points: codes along each curve, `(b, t, d)`.
        kind: a key of `PATH_STYLES`.
        width: in points.
        ends: mark them.

    Returns:
        `ax`.
    """
    style = PATH_STYLES[kind]
    page = broken(chart.to_page(points.detach()), chart)
    for number, line in enumerate(page.cpu().numpy()):
        ax.plot(
            line[:, 0], line[:, 1], color="white", linewidth=1.8 * width, solid_capstyle="round",
            zorder=4,
        )  # fmt: skip
        ax.plot(
            line[:, 0], line[:, 1], color=style.color, linestyle=style.pattern, linewidth=width,
            zorder=5, label=style.label if number == 0 else None, gid=f"path-{kind}",
        )  # fmt: skip
        for end, marker in ((line[0], "o"), (line[-1], "s")) if ends else ():
            ax.plot(
                *end, marker, markersize=2.9 * width, markerfacecolor="white", markeredgecolor=INK,
                markeredgewidth=0.7 * width, zorder=7, gid="end",
            )  # fmt: skip
    return ax


@figure_style()
def draw_circles(ax: Axes, chart: LatentChart, circles: GeodesicCircles) -> Axes:
    """Draw geodesic circles: solid where no shorter way was found, dotted beyond the cut locus.

    Args:
        ax: where.
        chart: of the page.
        circles: measured by `geodesic_circles`.

    Returns:
        `ax`.
    """
    points = torch.cat([circles.points, circles.points[:, :1]], 1)
    page = broken(chart.to_page(points), chart).cpu().numpy()
    solid = torch.cat([circles.minimising, circles.minimising[:, :1]], 1).cpu().numpy()
    color = PATH_STYLES["geodesic"].color
    for line, good in zip(page, solid, strict=True):
        ax.plot(line[:, 0], line[:, 1], color="white", linewidth=1.9, alpha=0.8, zorder=4)
        ax.plot(
            line[:, 0], line[:, 1], color=color, linewidth=0.8, linestyle=(0, (1, 1.5)), zorder=5,
            gid="beyond",
        )  # fmt: skip
        kept = np.where(good[:, None], line, np.nan)
        ax.plot(kept[:, 0], kept[:, 1], color=color, linewidth=1.2, zorder=5, gid="circle")
    centre = chart.to_page(circles.centre).cpu().numpy()
    ax.plot(*centre, "o", markersize=4, markerfacecolor=color, markeredgecolor="white", zorder=7)
    radii = ", ".join(f"{radius:.3g}" for radius in circles.radii.tolist())
    beyond = float((~circles.minimising).double().mean())
    tail = "" if beyond == 0 else f"\ndotted: a shorter way exists ({beyond:.0%})"
    say(ax, f"induced radii {radii}{tail}")
    return ax


@figure_style()
def draw_excess(ax: Axes, chart: LatentChart, excess: LocalExcess, *, bar: bool = True) -> Axes:
    """Draw codes coloured by the excess of short straight lines through them.

    The scale is logarithmic from one thousandth of a percent, or the null's greatest value if that
    is more: what is no more than the null has the lightest colour.

    Args:
        ax: where, with its limits set.
        chart: of the page.
        excess: measured by `local_excess`.
        bar: draw the scale beside the map.

    Returns:
        `ax`.
    """
    page = chart.to_page(excess.codes).cpu().numpy()
    values = excess.mean().double().cpu().numpy()
    floor = 1e-5
    if excess.null is not None and excess.null.isfinite().any():
        floor = max(floor, float(excess.null.nan_to_num(nan=0.0).abs().max()))
    finite = values[np.isfinite(values)]
    top = max(10 * floor, float(np.quantile(finite, 0.99)) if finite.size else 1.0)
    order = np.argsort(np.nan_to_num(values, nan=-1))
    dots = ax.scatter(
        page[order, 0], page[order, 1], c=100 * np.maximum(values, floor)[order], s=11,
        cmap=EXCESS_COLORS, norm=LogNorm(100 * floor, 100 * top), linewidths=0.3,
        edgecolors=QUIET, zorder=3, gid="excess", rasterized=True,
    )  # fmt: skip
    if bar:
        _draw_bar(ax, dots, "excess of short lines in %\n(declared over induced length − 1)")
    return ax


def say(ax: Axes, text: str) -> None:
    """A line of small print above a map."""
    ax.text(
        0.0, 1.015, text, transform=ax.transAxes, ha="left", va="bottom", fontsize=6.0,
        color=QUIET, gid="note",
    )  # fmt: skip
