"""A two-dimensional latent space seen from above."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.patches import Circle
from torch import Tensor, nn

from geolatent.interpolation import Comparison
from geolatent.latents import LatentModel, as_latent_model
from geolatent.viz.latent_chart import LatentChart, PlaneChart, latent_chart
from geolatent.viz.magnification import log10_magnification
from geolatent.viz.path_kinds import distinct_paths, path_legend
from geolatent.viz.style import (
    CLASS_COLORS,
    HALO,
    INK,
    MAGNIFICATION_COLORS,
    PATH_STYLES,
    QUIET,
    figure_style,
)

_MOST_CODES = 1500
_ROUTE_POINTS = torch.linspace(0, 1, 257)


@figure_style()
def latent_map(
    ax: Axes,
    model: LatentModel | nn.Module | Callable[[Tensor], Tensor],
    codes: Float[Tensor, "m d"],
    *,
    labels: Int[Tensor, "m"] | None = None,
    label_names: Sequence[str] | None = None,
    comparison: Comparison | None = None,
    rows: Sequence[int] = (0,),
    marks: int = 0,
    legend: bool = True,
    resolution: int = 160,
) -> Axes:
    """Draw the magnification factor, the codes of data, and paths between some of them.

    Grey is the magnification (`log10_magnification`): dark ground is where a step in the latent
    space changes the decoded data most, and what a geodesic goes around. Codes of a hyperbolic
    space are drawn in the Poincaré disk, with its boundary at infinity as a circle; the ground is
    left white beyond the farthest code. The extent follows from the codes and the paths.

    Args:
        ax: where to draw.
        model: a model or a bare decoder of two-dimensional codes.
        codes: of the data to show, `(m, 2)`; of more than 1500, evenly spaced ones are shown.
        labels: classes of the codes, `(m,)`.
        label_names: names of the classes, as many as there are; their numbers if not given.
        comparison: paths.
        rows: which pairs of the comparison.
        marks: equal times, ends included, to mark by dots on the paths.
        legend: name the kinds of paths above the map.
        resolution: cells of the ground along the longer side.

    Returns:
        `ax`.

    Raises:
        ValueError: the codes are not two-dimensional, or labels, names or rows do not fit.
    """
    _check(codes, labels, label_names, comparison, rows)
    subject = as_latent_model(model)
    chart = latent_chart(subject)
    codes = codes.detach()
    routes = _routes(comparison, rows)
    ends = torch.cat([codes[:1], *(route.flatten(0, 1) for route in routes.values())])
    _ground(ax, subject, chart, codes, ends, resolution)
    _codes(ax, chart, codes, labels, label_names)
    for name, route in routes.items():
        _draw_routes(ax, chart.to_page(route), name)
        if marks > 2 and comparison is not None:
            between = comparison.paths[name](torch.linspace(0, 1, marks).to(codes))[list(rows)]
            _draw_marks(ax, chart.to_page(between[:, 1:-1]), name)
    _finish(ax, chart)
    if routes and legend:
        path_legend(ax)
    return ax


def _check(
    codes: Tensor,
    labels: Tensor | None,
    label_names: Sequence[str] | None,
    comparison: Comparison | None,
    rows: Sequence[int],
) -> None:
    if codes.shape[-1] != 2 or not len(codes):
        raise ValueError(
            f"a map shows two-dimensional codes, got codes of shape {tuple(codes.shape)}; "
            "decoded strips and profiles work in any dimension."
        )
    if labels is not None and len(labels) != len(codes):
        raise ValueError(f"there are {len(codes)} codes but {len(labels)} labels.")
    if labels is not None and label_names is not None and int(labels.max()) >= len(label_names):
        raise ValueError(
            f"labels go to {int(labels.max())} but there are {len(label_names)} names for them."
        )
    if comparison is not None:
        pairs = len(next(iter(comparison.paths.values())))
        outside = [row for row in rows if not 0 <= row < pairs]
        if outside:
            raise ValueError(f"rows {outside} are not among the {pairs} pairs of the comparison.")


def _routes(comparison: Comparison | None, rows: Sequence[int]) -> dict[str, Tensor]:
    if comparison is None or not rows:
        return {}
    times = _ROUTE_POINTS.to(next(iter(comparison.paths.values())).points)
    return {
        name: comparison.paths[name](times)[list(rows)].detach()
        for name in distinct_paths(comparison)
    }


def _ground(
    ax: Axes,
    model: LatentModel,
    chart: LatentChart,
    codes: Tensor,
    must_show: Tensor,
    resolution: int,
) -> None:
    left, right, bottom, top = chart.extent(codes, must_show)
    cell = max(right - left, top - bottom) / resolution
    x = np.linspace(left, right, max(2, round((right - left) / cell)) + 1)
    y = np.linspace(bottom, top, max(2, round((top - bottom) / cell)) + 1)
    grid = np.stack(np.meshgrid((x[1:] + x[:-1]) / 2, (y[1:] + y[:-1]) / 2), axis=-1)
    page = torch.as_tensor(grid).to(codes)
    z = chart.from_page(page).flatten(0, 1)
    shown = z.isfinite().all(-1)
    rim = chart.rim(torch.cat([codes, must_show]))
    if rim is not None:
        # Beyond the data a decoder extrapolates, and a disk has no edge of the picture to stop at.
        shown &= page.flatten(0, 1).norm(dim=-1) <= rim + 2 * cell
    height = torch.full((len(z),), torch.nan, dtype=torch.float64)
    height[shown.cpu()] = log10_magnification(model, z[shown]).cpu()
    relief = height.view(page.shape[:-1]).numpy()
    finite = relief[np.isfinite(relief)]
    # Isolated extremes would take the contrast from everything else; the bar's ends say so.
    low, high = np.quantile(finite, [0.01, 0.99]) if finite.size else (0.0, 1.0)
    mesh = ax.pcolormesh(
        x,
        y,
        np.ma.masked_invalid(relief),
        cmap=MAGNIFICATION_COLORS,
        vmin=low,
        vmax=max(high, low + 1e-3),
        rasterized=True,
        zorder=0,
    )
    if rim is not None:
        mesh.set_clip_path(Circle((0, 0), rim, transform=ax.transData))
    ax.set_xlim(left, right)
    ax.set_ylim(bottom, top)
    ratio = "" if isinstance(chart, PlaneChart) else r"\,/\,\det\,G_0"
    # An inset keeps to the map's height, whatever its aspect ratio makes of it.
    bar = ax.figure.colorbar(mesh, cax=ax.inset_axes((1.03, 0.0, 0.035, 1.0)), extend="both")
    bar.set_label(
        rf"magnification  $\log_{{10}}\sqrt{{\det\,G{ratio}}}$"
        "\n(induced area per area of latent space)"
    )
    bar.outline.set_visible(False)


def _codes(
    ax: Axes,
    chart: LatentChart,
    codes: Tensor,
    labels: Tensor | None,
    label_names: Sequence[str] | None,
) -> None:
    count = len(codes)
    chosen = torch.linspace(0, count - 1, min(count, _MOST_CODES)).long()
    page = chart.to_page(codes)
    shown = page[chosen].cpu().numpy()
    if labels is None:
        colors: Any = CLASS_COLORS[0]
    else:
        colors = [CLASS_COLORS[int(label) % len(CLASS_COLORS)] for label in labels[chosen]]
    ax.scatter(
        shown[:, 0], shown[:, 1], s=5, c=colors, alpha=0.85, linewidths=0.2, edgecolors="white",
        rasterized=True,
        zorder=2, gid="codes",
    )  # fmt: skip
    if labels is None:
        return
    for label in labels.unique().tolist():
        members = page[labels == label]
        left, bottom = members[_medoid(members)].tolist()
        name = str(label) if label_names is None else label_names[label]
        ax.annotate(
            name, (left, bottom), ha="center", va="center", fontsize=8.5, fontweight="bold",
            color=CLASS_COLORS[label % len(CLASS_COLORS)], path_effects=list(HALO), zorder=6,
            gid="class",
        )  # fmt: skip


def _medoid(points: Tensor) -> int:
    sample = points[torch.linspace(0, len(points) - 1, min(len(points), 500)).long()]
    return int(torch.cdist(points, sample).sum(1).argmin())


def _draw_routes(ax: Axes, page: Tensor, name: str) -> None:
    style = PATH_STYLES[name]
    for number, line in enumerate(page.cpu().numpy()):
        ax.plot(
            line[:, 0], line[:, 1], color="white", linewidth=3.4, solid_capstyle="round", zorder=4
        )
        ax.plot(
            line[:, 0], line[:, 1], color=style.color, linestyle=style.pattern, linewidth=1.9,
            zorder=5, label=style.label if number == 0 else None, gid=f"path-{name}",
        )  # fmt: skip
        for end, marker in ((line[0], "o"), (line[-1], "s")):
            ax.plot(
                *end, marker, markersize=5.5, markerfacecolor="white", markeredgecolor=INK,
                markeredgewidth=1.3, zorder=7, gid="end",
            )  # fmt: skip


def _draw_marks(ax: Axes, page: Tensor, name: str) -> None:
    for line in page.cpu().numpy():
        ax.plot(
            line[:, 0], line[:, 1], "o", markersize=2.9, markerfacecolor="white",
            markeredgecolor=PATH_STYLES[name].color, markeredgewidth=0.9, zorder=6, gid="mark",
        )  # fmt: skip


def _finish(ax: Axes, chart: LatentChart) -> None:
    ax.set_aspect("equal")
    if isinstance(chart, PlaneChart):
        ax.set_xlabel(chart.labels[0])
        ax.set_ylabel(chart.labels[1])
        return
    ax.add_patch(Circle((0, 0), 1.0, fill=False, edgecolor=INK, linewidth=0.9, zorder=3))
    ax.set_axis_off()
    ax.text(
        0.5, -0.01, "Poincaré disk: the circle is at infinity", transform=ax.transAxes,
        ha="center", va="top", fontsize=6.8, color=QUIET,
    )  # fmt: skip
