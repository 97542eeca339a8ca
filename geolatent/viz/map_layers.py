"""The layers of a map, each drawn on axes that it is given."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, LogNorm, Normalize, SymLogNorm
from matplotlib.patches import Circle
from torch import Tensor

from geolatent.curvature import indicatrix
from geolatent.latents import LatentModel
from geolatent.viz.code_classes import CodeClass, code_classes
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
    LineStyle,
    figure_style,
)

_MOST_CODES = 1500
_SAME = 1e-3  # relative, of logarithms absolute: values that differ by less are one
_SAME_TURN = 1e-4  # radians that a vector is turned by when it is carried around the whole map
_BAR = (1.03, 0.0, 0.035, 1.0)  # an inset keeps to the map's height, whatever its aspect ratio
_TICKS_APART = 0.1  # of a bar's height
_LETTER, _NAME_HEIGHT = 5.8, 9.0  # points, of class names


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
    is symmetric about 0, linear up to the median of |K| and logarithmic beyond. What is the same
    everywhere, up to a thousandth or to what the affine null shows, has one colour and its value
    beside it.

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
        same=_same(field, quantity),
    )  # fmt: skip
    return ax


def _same(field: LatentField, quantity: str) -> float:
    """Differences of a quantity that are none."""
    if quantity.startswith("log10"):
        return _SAME
    values = getattr(field, quantity)
    finite = values[values.isfinite()]
    same = _SAME * float(finite.abs().max()) if len(finite) else 0.0
    if quantity == "curvature":
        x, y = field.grid.x, field.grid.y
        induced = float((10**field.log10_magnification).nanmedian())
        area = induced * float((x[-1] - x[0]) * (y[-1] - y[0]))
        same = max(same, _SAME_TURN / area if area > 0 else 0.0)
        if field.null_curvature is not None:
            null = field.null_curvature.nan_to_num(nan=0.0)
            same = max(same, 10 * float(null.abs().max()))
    return same


def draw_ground(
    ax: Axes,
    grid: PageGrid,
    chart: LatentChart,
    values: Float[Tensor, "h w"],
    *,
    colors: Colormap,
    label: str | None,
    symmetric: bool = False,
    same: float = _SAME,
) -> None:
    """Colour the cells of a grid, set the limits, and draw a bar if it has a label.

    Values that differ by no more than `same` are shown as one.
    """
    relief = values.numpy()
    finite = relief[np.isfinite(relief)]
    everywhere = None
    norm = _norm(finite, symmetric=symmetric)
    if finite.size and finite.max() - finite.min() <= same:
        middle = float(np.median(finite))
        everywhere = 0.0 if symmetric and abs(middle) <= same else middle
        relief = np.where(np.isfinite(relief), everywhere, np.nan)
        reach = 2 * abs(everywhere) or 1.0
        norm = Normalize(-reach if symmetric else everywhere, everywhere + reach)
    mesh = ax.pcolormesh(
        grid.x, grid.y, np.ma.masked_invalid(relief), cmap=colors, norm=norm, rasterized=True,
        zorder=0,
    )  # fmt: skip
    if math.isfinite(grid.rim):
        mesh.set_clip_path(Circle((0, 0), grid.rim, transform=ax.transData))
    frame_page(ax, grid, chart)
    if label is not None and everywhere is None:
        _draw_bar(ax, mesh, label)
    elif label is not None and everywhere is not None:
        color = colors(norm(everywhere))
        _draw_constant(ax, color, f"{everywhere:.3g} everywhere".replace("-", "−"), label)


def _draw_bar(ax: Axes, colored: ScalarMappable, label: str) -> None:
    scale = ax.figure.colorbar(colored, cax=ax.inset_axes(_BAR), extend="both")
    scale.set_label(label)
    scale.outline.set_visible(False)
    if isinstance(colored.norm, SymLogNorm):
        ticks = _ticks(colored.norm)
        scale.set_ticks(list(ticks), labels=list(ticks.values()))
    scale.minorticks_off()


def _draw_constant(ax: Axes, color: Any, value: str, label: str) -> None:
    """A bar of one colour and one value."""
    bar = ax.inset_axes(_BAR)
    bar.set_facecolor(color)
    bar.spines[:].set(visible=True, linewidth=0.4)
    bar.tick_params(length=0)
    bar.set_xticks([])
    bar.yaxis.tick_right()
    bar.yaxis.set_label_position("right")
    bar.set_yticks([0.5], [value], rotation=90, va="center")
    bar.set_ylabel(label)


def _ticks(norm: SymLogNorm) -> dict[float, str]:
    """0 and powers of ten on both sides of it, the greatest first, as many as do not touch."""
    greatest = float(norm.vmax or 0.0)
    most = math.floor(math.log10(greatest))
    least = math.ceil(math.log10(norm.linthresh))
    chosen = {0.0: "0"}
    for power in range(most, least - 1, -1):
        place = norm(10.0**power)
        if all(abs(place - norm(other)) >= _TICKS_APART for other in chosen):
            chosen |= {10.0**power: f"$10^{{{power}}}$", -(10.0**power): f"$−10^{{{power}}}$"}
    if len(chosen) == 1:
        end = math.floor(greatest / 10.0**most) * 10.0**most
        chosen |= {end: f"{end:g}", -end: f"−{end:g}"}
    return chosen


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
    labels: Any = None,
    label_names: Sequence[str] | None = None,
    size: float = 5.0,
) -> Axes:
    """Draw codes as dots, and the name of each class at its most central code.

    Where it would cover another name it is at the most central code where it does not.

    Args:
        ax: where.
        chart: of the page.
        codes: of more than 1500, evenly spaced ones are shown.
        labels: classes, numbers or names in a tensor, an array or a list, m of them.
        label_names: names of the numbers; the labels themselves if not given.
        size: area of a dot, in points².

    Returns:
        `ax`.
    """
    count = len(codes)
    chosen = torch.linspace(0, count - 1, min(count, _MOST_CODES)).long()
    page = chart.to_page(codes.detach())
    shown = page[chosen].cpu().numpy()
    classes = [] if labels is None else code_classes(labels, label_names, codes=count)
    colors: Any = CLASS_COLORS[0]
    if classes:
        number = torch.zeros(count, dtype=torch.long)
        for each in classes:
            number[each.rows] = each.number % len(CLASS_COLORS)
        colors = [CLASS_COLORS[k] for k in number[chosen].tolist()]
    ax.scatter(
        shown[:, 0], shown[:, 1], s=size, c=colors, alpha=0.85, linewidths=0.2, edgecolors="white",
        rasterized=True, zorder=2, gid="codes",
    )  # fmt: skip
    for each, place in zip(classes, _places(ax, page.cpu(), classes), strict=True):
        ax.annotate(
            each.name, place, ha="center", va="center", fontsize=8.5, fontweight="bold",
            color=CLASS_COLORS[each.number % len(CLASS_COLORS)], path_effects=list(HALO), zorder=6,
            gid="class",
        )  # fmt: skip
    return ax


def _places(
    ax: Axes, page: Float[Tensor, "m 2"], classes: Sequence[CodeClass]
) -> list[tuple[float, float]]:
    """Where the names of classes stand, in the axes' coordinates."""
    box, (left, right), (bottom, top) = ax.get_window_extent(), ax.get_xlim(), ax.get_ylim()
    dots = min(box.width / (right - left), box.height / (top - bottom))  # of a square page
    figure: Any = ax.get_figure(root=True)
    point = figure.dpi / 72 / dots
    taken: list[tuple[float, float, float]] = []
    for each in classes:
        members = page[each.rows]
        sample = members[torch.linspace(0, len(members) - 1, min(len(members), 500)).long()]
        members = members[torch.cdist(members, sample).sum(1).argsort(stable=True)]
        width = _LETTER * (len(each.name) + 0.7) * point
        free = torch.ones(len(members), dtype=torch.bool)
        for x, y, other in taken:
            beside = (members[:, 0] - x).abs() > (width + other) / 2
            free &= beside | ((members[:, 1] - y).abs() > _NAME_HEIGHT * point)
        x, y = members[int(free.double().argmax())].tolist()  # the first one; if none, of all
        taken.append((x, y, width))
    return [(x, y) for x, y, _ in taken]


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
    style: LineStyle | None = None,
    width: float = 1.9,
    ends: bool = True,
) -> Axes:
    """Draw curves in the style of their kind, with their ends (a circle, a square).

    Args:
        ax: where.
        chart: of the page.
        points: codes along each curve, `(b, t, d)`.
        kind: a key of `PATH_STYLES`, or any name with a style.
        style: that of the kind if not given.
        width: in points.
        ends: mark them.

    Returns:
        `ax`.
    """
    style = style or PATH_STYLES[kind]
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
    found = circles.points.isfinite().all(-1)
    beyond = int((found & ~circles.minimising).sum())
    tail = f"\ndotted: a shorter way exists ({beyond / found.numel():.0%})" if beyond else ""
    if not found.all():
        tail += f"\nnot followed so far: {int((~found).sum())} of {found.numel()} geodesics"
    say(ax, f"induced radii {radii}{tail}")
    return ax


@figure_style()
def draw_excess(ax: Axes, chart: LatentChart, excess: LocalExcess, *, bar: bool = True) -> Axes:
    """Draw codes coloured by the excess of short straight lines through them.

    The scale is logarithmic from one thousandth of a percent, or the null's greatest value if that
    is more: what is no more than the null has the lightest colour, and if nothing is more there is
    no scale. Crosses are codes where no geodesic was found.

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
    highest = float(np.quantile(finite, 0.99)) if finite.size else floor
    top = max(10 * floor, highest)
    order = np.argsort(np.nan_to_num(values, nan=-1))
    dots = ax.scatter(
        page[order, 0], page[order, 1], c=100 * np.maximum(values, floor)[order], s=11,
        cmap=EXCESS_COLORS, norm=LogNorm(100 * floor, 100 * top), linewidths=0.3,
        edgecolors=QUIET, zorder=3, gid="excess", rasterized=True,
    )  # fmt: skip
    lost = ~np.isfinite(values)
    ax.scatter(
        page[lost, 0], page[lost, 1], marker="x", s=9, color=INK, linewidths=0.6, zorder=3,
        gid="failed",
    )  # fmt: skip
    label = "excess of short lines in %\n(declared over induced length − 1)"
    if bar and finite.size and finite.max() <= floor:
        _draw_constant(ax, EXCESS_COLORS(0.0), f"≤ {100 * floor:.2g} everywhere", label)
    elif bar and finite.size:
        _draw_bar(ax, dots, label)
    return ax


def say(ax: Axes, text: str) -> None:
    """A line of small print above a map."""
    ax.text(
        0.0, 1.015, text, transform=ax.transAxes, ha="left", va="bottom", fontsize=6.0,
        color=QUIET, gid="note",
    )  # fmt: skip
