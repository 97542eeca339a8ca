"""A latent space seen from above."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from torch import Tensor, nn

from geolatent.geodesics.pairs import require_finite_rows
from geolatent.interpolation import Comparison
from geolatent.latents import LatentModel, as_latent_model
from geolatent.viz.declared_chart import declared_chart
from geolatent.viz.latent_chart import LatentChart
from geolatent.viz.latent_field import relative_stretches
from geolatent.viz.map_layers import draw_codes, draw_curves, draw_ground
from geolatent.viz.page_grid import page_grid
from geolatent.viz.path_kinds import distinct_paths, path_legend, path_styles
from geolatent.viz.plane_section import PlaneSection
from geolatent.viz.style import MAGNIFICATION_COLORS, QUIET, figure_style

_ROUTE_POINTS = torch.linspace(0, 1, 257)


@figure_style()
def latent_map(
    ax: Axes,
    model: LatentModel | nn.Module | Callable[[Tensor], Tensor],
    codes: Float[Tensor, "m d"],
    *,
    labels: Any = None,
    label_names: Sequence[str] | None = None,
    comparison: Comparison | None = None,
    rows: Sequence[int] = (0,),
    marks: int = 0,
    legend: bool = True,
    resolution: int = 160,
    plane: PlaneSection | None = None,
) -> Axes:
    """Draw the magnification factor, the codes of data, and paths between some of them.

    Grey is the magnification: dark ground is where a step in the latent space changes the decoded
    data most, and what a geodesic goes around. Codes of a hyperbolic space are drawn in the
    Poincaré disk, those of a sphere in a disk of true areas; the ground is left white beyond the
    farthest code. The extent follows from the codes and the paths.

    Args:
        ax: where to draw.
        model: a model or a bare decoder.
        codes: of the data to show, `(m, d)`; of more than 1500, evenly spaced ones are shown.
        labels: classes of the codes, numbers or names in a tensor, an array or a list, m of them.
        label_names: names of the numbers; the labels themselves if not given.
        comparison: paths.
        rows: which pairs of the comparison.
        marks: equal times, ends included, to mark by dots on the paths.
        legend: name the kinds of paths above the map.
        resolution: cells of the ground along the longer side.
        plane: which plane to show, of codes of more than two dimensions.

    Returns:
        `ax`.

    Raises:
        ValueError: the codes are not two-dimensional and there is no plane, or labels, names or
            rows do not fit.
    """
    require_finite_rows("codes", codes)
    subject = as_latent_model(model)
    chart = declared_chart(subject, codes, plane)
    _check(comparison, rows)
    codes = codes.detach()
    routes = _routes(comparison, rows)
    ends = torch.cat([codes[:1], *(route.flatten(0, 1) for route in routes.values())])
    grid = page_grid(chart, codes, ends, resolution)
    surface = chart.surface(subject.induced_metric())
    declared = chart.surface(subject.assumed_metric())
    height = torch.full(grid.shown.shape, torch.nan, dtype=torch.float64)
    stretches = relative_stretches(surface, declared, chart.on_surface(grid.codes[grid.shown]))
    height[grid.shown.cpu()] = stretches.log10().sum(-1).double().cpu()
    draw_ground(
        ax, grid, chart, height, colors=MAGNIFICATION_COLORS,
        label=r"magnification  $\log_{10}\sqrt{\det\,G\,/\,\det\,G_0}$"
        "\n(induced area per area of latent space)",
    )  # fmt: skip
    draw_codes(ax, chart, codes, labels=labels, label_names=label_names)
    for name, route in routes.items():
        assert comparison is not None  # what has routes
        style = path_styles(comparison)[name]
        draw_curves(ax, chart, route, name, style=style)
        if marks > 2:
            between = comparison.paths[name](torch.linspace(0, 1, marks).to(codes))[list(rows)]
            _draw_marks(ax, chart.to_page(between[:, 1:-1]), style.color)
    _caption(ax, chart)
    if comparison is not None and routes and legend:
        path_legend(ax, comparison)
    return ax


def _check(
    comparison: Comparison | None,
    rows: Sequence[int],
) -> None:
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


def _draw_marks(ax: Axes, page: Tensor, color: str) -> None:
    for line in page.cpu().numpy():
        ax.plot(
            line[:, 0], line[:, 1], "o", markersize=2.9, markerfacecolor="white",
            markeredgecolor=color, markeredgewidth=0.9, zorder=6, gid="mark",
        )  # fmt: skip


def _caption(ax: Axes, chart: LatentChart) -> None:
    if chart.caption and chart.round:
        ax.text(
            0.5, -0.01, chart.caption, transform=ax.transAxes, ha="center", va="top", fontsize=6.8,
            color=QUIET,
        )  # fmt: skip
