"""The whole map: where the assumption breaks, and by how much."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from torch import Tensor, nn

from geolatent.geodesics import connect
from geolatent.geodesics.pairs import require_finite_rows
from geolatent.interpolation import random_pairs
from geolatent.latents import LatentModel, as_latent_model
from geolatent.metrics import ClosedFormGeodesics, Metric
from geolatent.viz.geodesic_circles import GeodesicCircles, geodesic_circles
from geolatent.viz.latent_chart import LatentChart
from geolatent.viz.latent_field import LatentField, latent_field
from geolatent.viz.local_excess import LocalExcess, local_excess
from geolatent.viz.map_layers import (
    draw_circles,
    draw_codes,
    draw_curves,
    draw_excess,
    draw_indicatrices,
    draw_relief,
    frame_page,
    say,
)
from geolatent.viz.page_figure import PageFigure
from geolatent.viz.plane_section import PlaneSection
from geolatent.viz.style import PAGE_WIDTH, PATH_STYLES, QUIET, figure_style

_MEASURED_CODES = 150  # whose local excess is measured
_RAYS = 72
_PAIRS = 6
_TITLE, _LINE = 17.0, 8.5  # points, of a panel's head: its title, and each line of small print
_GAP = 2.5  # points between small print and title
_VARIES = 1e-3  # relative: a scale that is the same everywhere differs by rounding only


@figure_style()
def geometry_map(
    model: LatentModel | nn.Module | Callable[[Tensor], Tensor],
    codes: Float[Tensor, "m d"],
    *,
    labels: Any = None,
    label_names: Sequence[str] | None = None,
    plane: PlaneSection | None = None,
    field: LatentField | None = None,
    excess: LocalExcess | None = None,
    circles: GeodesicCircles | None = None,
    resolution: int = 64,
    seed: int = 0,
) -> Figure:
    """Draw magnification, condition, curvature, local excess, uncertainty, geodesics and a ball.

    Each panel says its numbers, over the codes of data and not over the page, whose corners nobody
    uses; where the claim is "flat", beside them those of the affine decoder nearest to this one.
    The panel of the uncertainty is left out if the model states none or always the same.

    Args:
        model: a model or a bare decoder.
        codes: of data, `(m, d)`.
        labels: their classes, numbers or names in a tensor, an array or a list, m of them.
        label_names: names of the numbers; the labels themselves if not given.
        plane: which plane to show, of codes of more than two dimensions.
        field: measured before by `latent_field` on the same codes and plane.
        excess: measured before by `local_excess`; of 150 codes if not given.
        circles: measured before by `geodesic_circles`; around the most central code, out to about
            the typical distance of two codes if not given.
        resolution: cells along the longer side, if there is no field.
        seed: of the pairs, directions and codes that are drawn at random.

    Returns:
        The figure, as wide as a page.

    Raises:
        ValueError: as `latent_field` does.
    """
    require_finite_rows("codes", codes)
    subject = as_latent_model(model)
    codes = codes.detach()
    if field is None:
        field = latent_field(subject, codes, plane=plane, resolution=resolution)
    random = torch.Generator().manual_seed(seed)
    if excess is None:
        chosen = torch.randperm(len(codes), generator=random)[:_MEASURED_CODES]
        excess = local_excess(subject, codes[chosen], seed=seed)
    fig = PageFigure(figsize=(PAGE_WIDTH, PAGE_WIDTH))
    axes = list(fig.subplots(2, 3).flat)
    _lay_out(fig, axes, field)  # names of classes make way for each other on maps of a known size
    _magnification(axes[0], field, codes, labels, label_names)
    _condition(axes[1], field, subject, codes)
    _curvature(axes[2], field, codes)
    _excess(axes[3], field, codes, excess)
    rest = axes[4:]
    if _varies(field.uncertainty):
        draw_relief(rest[0], field, "uncertainty")
        draw_codes(rest[0], field.chart, codes, size=1.5)
        _head(rest[0], "e", "uncertainty", "stated σ of the data (root mean square)")
        rest = rest[1:]
    _paths(rest, field, subject, codes, circles, seed)
    for number, ax in enumerate(axes):
        ax.set_xlabel(ax.get_xlabel() if number > 2 else "", labelpad=1)
        ax.set_ylabel(ax.get_ylabel() if number % 3 == 0 else "", labelpad=0)
        for bar in ax.child_axes:
            bar.set_ylabel("")  # the panel's head says it
    _lay_out(fig, axes, field)
    if field.chart.caption:
        fig.text(0.055, 0.01, field.chart.caption, fontsize=6.3, color=QUIET, va="bottom")
    return fig


def _lay_out(fig: Figure, axes: Sequence[Axes], field: LatentField) -> None:
    """Six maps of one size, laid out by hand: notes may be wider than the maps below them."""
    left, right, between = 0.55, 0.55, 0.8  # inches
    foot, numbers = (0.2, 0.0) if field.chart.round else (0.42, 0.2)
    width = (PAGE_WIDTH - left - right - 2 * between) / 3
    x, y = field.grid.x, field.grid.y
    height = width * min(2.0, max(0.3, (y[-1] - y[0]) / (x[-1] - x[0])))
    heads = []
    for row in (axes[:3], axes[3:]):
        lines = max(len(_small_print(ax).splitlines()) for ax in row)
        heads.append((_TITLE + _GAP + _LINE * lines) / 72)
        for ax in row:
            ax.set_title(ax.get_title(loc="left"), pad=_GAP + _LINE * lines)
            for text in _notes(ax):  # right below the title
                text.set_text(
                    _small_print(ax) + "\n" * (lines - len(_small_print(ax).splitlines()))
                )
    total = 2 * height + sum(heads) + numbers + foot
    fig.set_size_inches(PAGE_WIDTH, total)
    fig.subplots_adjust(
        left=left / PAGE_WIDTH, right=1 - right / PAGE_WIDTH, bottom=foot / total,
        top=1 - heads[0] / total, wspace=between / width, hspace=(heads[1] + numbers) / height,
    )  # fmt: skip


def _notes(ax: Axes) -> list[Text]:
    return [text for text in ax.texts if text.get_gid() == "note"]


def _small_print(ax: Axes) -> str:
    return "\n".join(text.get_text() for text in _notes(ax)).rstrip()


def _varies(values: Tensor | None) -> bool:
    if values is None:
        return False
    finite = values[values.isfinite()]
    return len(finite) > 0 and float(finite.max() - finite.min()) > _VARIES * float(finite.max())


def _head(ax: Axes, letter: str, title: str, *lines: str) -> None:
    """Title and lines of small print, among them what a layer said of itself."""
    said = _small_print(ax)
    for text in _notes(ax):
        text.remove()
    say(ax, "\n".join(line for line in "\n".join([*lines, said]).splitlines() if line))
    ax.set_title(f"{letter}  {title}")


def _magnification(
    ax: Axes,
    field: LatentField,
    codes: Tensor,
    labels: Any,
    label_names: Sequence[str] | None,
) -> None:
    draw_relief(ax, field, "log10_magnification")
    draw_codes(ax, field.chart, codes, labels=labels, label_names=label_names, size=2.0)
    low, high = _at_codes(field, field.log10_magnification, codes, (0.05, 0.95))
    _head(
        ax, "a", "magnification", "log₁₀ of induced area per declared area",
        f"90% of codes within a factor of {10 ** (high - low):.3g}", _undefined(field),
    )  # fmt: skip


def _condition(ax: Axes, field: LatentField, model: LatentModel, codes: Tensor) -> None:
    draw_relief(ax, field, "log10_condition")
    draw_indicatrices(ax, model, field.chart, _spaced(field, codes))
    median, high = _at_codes(field, field.log10_condition, codes, (0.5, 0.95))
    _head(
        ax, "b", "condition number",
        "log₁₀ of it", f"at codes: median {10**median:.3g}, 95% below {10**high:.3g}",
    )  # fmt: skip


def _curvature(ax: Axes, field: LatentField, codes: Tensor) -> None:
    draw_relief(ax, field, "curvature")
    draw_codes(ax, field.chart, codes, size=1.0)
    low, high = _at_codes(field, field.curvature, codes, (0.05, 0.95))
    note = f"90% of codes: {low:.2g} to {high:.2g}".replace("-", "−")
    null = ""
    if field.null_curvature is not None:
        finite = field.null_curvature[field.null_curvature.isfinite()]
        null = f"affine null: {_power(float(finite.abs().max()))}"
    _head(ax, "c", "Gaussian curvature", "per squared unit of induced length", note, null)


def _excess(ax: Axes, field: LatentField, codes: Tensor, excess: LocalExcess) -> None:
    frame_page(ax, field.grid, field.chart)
    page = field.chart.to_page(codes).cpu().numpy()
    ax.scatter(page[:, 0], page[:, 1], s=0.6, c="#C9C9C9", linewidths=0, rasterized=True, zorder=1)
    draw_excess(ax, field.chart, excess)
    values = excess.excess[excess.excess.isfinite()].double()
    failed = excess.excess.numel() - len(values)
    notes = [f"lines of {excess.reach:.2g} at {len(excess.codes)} codes"]
    if len(values):
        median, high = (float(values.quantile(share)) for share in (0.5, 0.95))
        notes[0] += f": median {median:.2%}"
        notes.append(f"95% below {high:.2%}")
    if failed:
        notes.append(f"{failed} of {excess.excess.numel()} lines without a geodesic (×: no line)")
    if excess.null is not None and excess.null.isfinite().any():
        null = excess.null[excess.null.isfinite()]
        notes.append(f"affine null: {_power(100 * float(null.abs().max()))}%")
    _head(ax, "d", "local excess in %", *notes)


def _power(value: float) -> str:
    """An upper bound of what rounding left, as a power of ten."""
    return "0" if value == 0 else f"< $10^{{{math.ceil(math.log10(value))}}}$"


def _paths(
    axes: Sequence[Axes],
    field: LatentField,
    model: LatentModel,
    codes: Tensor,
    circles: GeodesicCircles | None,
    seed: int,
) -> None:
    metric, chart = model.induced_metric(), field.chart
    start, end = random_pairs(len(codes), min(_PAIRS, len(codes) // 2), seed=seed)
    path = connect(metric, codes[start], codes[end])
    times = torch.linspace(0, 1, 129).to(codes)
    lines, kind = _declared(model.assumed_metric(), codes[start], codes[end], times)
    for ax in axes:
        draw_relief(ax, field, "log10_magnification")
    draw_curves(axes[0], chart, lines, kind, width=0.9, ends=False)
    draw_curves(axes[0], chart, path[path.converged](times), "geodesic", width=1.0)
    names = f"{PATH_STYLES[kind].label}s dashed, geodesics solid"
    failed = int((~path.converged).sum())
    if failed:
        names += f"\n{failed} of {len(path)} geodesics not found"
    if circles is None:
        centre = codes[int(torch.cdist(codes, codes[:500]).sum(1).argmin())]
        typical = float(path.length[path.converged].median()) if path.converged.any() else 1.0
        radii = torch.tensor([float(f"{share * typical:.2g}") for share in (0.3, 0.6, 0.9)])
        plane = _directions(chart, codes)
        circles = geodesic_circles(metric, centre, radii, directions=plane, count=_RAYS)
    draw_circles(axes[-1], chart, circles)
    if len(axes) == 1:
        _head(axes[0], "f", "geodesics and balls", names)
    else:
        _head(axes[0], "e", "geodesics", names, "between random pairs of codes")
        _head(axes[1], "f", "geodesic balls")


def _declared(
    metric: Metric, start: Tensor, end: Tensor, times: Tensor
) -> tuple[Float[Tensor, "b t d"], str]:
    """Geodesics of the declared geometry, and the kind of paths that they are."""
    straight = torch.lerp(start.unsqueeze(1), end.unsqueeze(1), times[:, None])
    if isinstance(metric, ClosedFormGeodesics):
        lines = metric.geodesic(start, end, times)
    else:
        lines = connect(metric, start, end)(times)
    same = torch.allclose(lines, straight, rtol=0, atol=1e-4 * float(straight.abs().max()))
    return (straight, "linear") if same else (lines, "assumed")


def _directions(chart: LatentChart, codes: Tensor) -> Float[Tensor, "d 2"] | None:
    """Two columns that span the drawn plane; None if it is the whole space."""
    if codes.shape[1] == 2:
        return None
    corner, first, second = chart.from_surface(codes.new_tensor([[0, 0], [1, 0], [0, 1]]))
    return torch.stack([first - corner, second - corner], 1)


def _at_codes(
    field: LatentField, values: Tensor, codes: Tensor, shares: tuple[float, ...]
) -> list[float]:
    """Quantiles of a field over codes, each read off the cell that it lies in."""
    page = field.chart.to_page(codes).cpu().double()
    x, y = (torch.as_tensor(edges) for edges in (field.grid.x, field.grid.y))
    column = torch.bucketize(page[:, 0].contiguous(), x) - 1
    row = torch.bucketize(page[:, 1].contiguous(), y) - 1
    inside = (column >= 0) & (column < len(x) - 1) & (row >= 0) & (row < len(y) - 1)
    found = values[row[inside], column[inside]]
    found = found[found.isfinite()]
    if not len(found):
        return [float("nan")] * len(shares)
    return [float(found.quantile(share)) for share in shares]


def _undefined(field: LatentField) -> str:
    """Where the decoder gives nothing that is finite, if anywhere."""
    shown = field.grid.shown.cpu()
    gone = int((shown & ~field.log10_magnification.isfinite()).sum())
    return f"white: not finite in {gone / int(shown.sum()):.0%} of the map" if gone else ""


def _spaced(field: LatentField, codes: Tensor, per_side: int = 7) -> Tensor:
    """One code in each of some squares of the page, where there are any: the most central one."""
    page = field.chart.to_page(codes).cpu()
    low = torch.tensor([field.grid.x[0], field.grid.y[0]]).to(page)
    side = max(field.grid.x[-1] - field.grid.x[0], field.grid.y[-1] - field.grid.y[0]) / per_side
    cell = ((page - low) / side).floor()
    centre = low + (cell + 0.5) * side
    offset = torch.linalg.vector_norm(page - centre, dim=1)
    chosen: dict[tuple[float, ...], int] = {}
    for row in offset.argsort(descending=True).tolist():
        chosen[tuple(cell[row].tolist())] = row  # the last one written is the nearest
    return codes[sorted(chosen.values())]
