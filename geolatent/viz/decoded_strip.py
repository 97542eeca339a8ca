"""What is decoded along paths, one kind of path above the other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from torch import Tensor, nn

from geolatent.geodesics import Path
from geolatent.interpolation import Comparison
from geolatent.latents import LatentModel, UncertainModel, as_latent_model
from geolatent.viz.path_kinds import distinct_paths, path_styles
from geolatent.viz.style import INK, QUIET, LineStyle, figure_style

_NEEDED = ("linear", "geodesic")
_FINE_TIMES = 129
_VARIES = 1e-3  # relative: a scale that is the same everywhere differs by rounding only


@dataclass(frozen=True)
class _Strip:
    """One kind of path of one pair, decoded."""

    style: LineStyle
    title: str
    decoded: Float[np.ndarray, "t p"]
    uncertainty: Float[np.ndarray, "s"] | None


@figure_style()
def decoded_strip(
    ax: Axes,
    model: LatentModel | nn.Module | Callable[[Tensor], Tensor],
    comparison: Comparison,
    row: int,
    *,
    image_shape: Sequence[int] | None = None,
    ends: tuple[Float[Tensor, "b p"], Float[Tensor, "b p"]] | None = None,
    count: int = 11,
) -> Axes:
    """Draw the decoded data along the straight line and, below it at the same times, the geodesic.

    A declared geodesic that is not straight comes between the two. Images share one grey scale;
    without an image shape every feature is a row of a heat map. Where the model is more certain of
    some codes than of others, the uncertainty is drawn below.

    Args:
        ax: where to draw; its axis is replaced.
        model: the subject of the comparison.
        comparison: with the paths `"linear"` and `"geodesic"`.
        row: which pair.
        image_shape: (h, w), (1, h, w) or (3, h, w) of one datum.
        ends: the data whose codes the pairs join, a row for each pair; drawn at the sides.
        count: images along each path.

    Returns:
        `ax`.

    Raises:
        ValueError: the comparison lacks a path, the row is not in it, or the shape does not fit.
    """
    missing = [name for name in _NEEDED if name not in comparison.paths]
    if missing:
        raise ValueError(f"the comparison has no paths {missing}; compare {list(_NEEDED)}.")
    pairs = len(comparison.paths["geodesic"])
    if not 0 <= row < pairs:
        raise ValueError(f"row {row} is not among the {pairs} pairs of the comparison.")
    if count < 2:
        raise ValueError(f"a strip needs at least two images, got count={count}.")
    subject = as_latent_model(model)
    times = count if image_shape is not None else _FINE_TIMES
    strips = [_decode(subject, name, comparison, row, times) for name in distinct_paths(comparison)]
    if image_shape is None:
        _draw_heat(ax, strips)
    else:
        _draw_images(ax, strips, tuple(image_shape), None if ends is None else (
            ends[0][row], ends[1][row]
        ))  # fmt: skip
    return ax


@torch.no_grad()
def _decode(model: LatentModel, name: str, comparison: Comparison, row: int, count: int) -> _Strip:
    path: Path = comparison.paths[name]
    times = torch.linspace(0, 1, count).to(path.points)
    codes = path(times)[row]
    uncertainty = None
    if isinstance(model, UncertainModel):
        spread = model.uncertainty(path(torch.linspace(0, 1, _FINE_TIMES).to(path.points))[row])
        if float(spread.max() - spread.min()) > _VARIES * float(spread.max()):
            uncertainty = spread.cpu().double().numpy()
    decoded = model.decode(codes).cpu().double().numpy()
    style = path_styles(comparison)[name]
    return _Strip(style, _title(name, style, comparison, row), decoded, uncertainty)


def _title(name: str, style: LineStyle, comparison: Comparison, row: int) -> str:
    path, geodesic = comparison.paths[name], comparison.paths["geodesic"]
    length, least = float(path.length[row]), float(geodesic.length[row])
    title = f"{style.label}, length {length:.3g}"
    if not bool(path.converged[row]):
        return title + " (not converged)"
    if name == "geodesic" or not bool(geodesic.converged[row]) or least == 0:
        return title
    return title + f": {length / least - 1:.1%} longer than the geodesic"


def _draw_images(
    ax: Axes, strips: list[_Strip], shape: tuple[int, ...], ends: tuple[Tensor, Tensor] | None
) -> None:
    if (len(shape) == 3 and shape[0] not in (1, 3)) or len(shape) not in (2, 3):
        raise ValueError(f"image_shape must be (h, w), (1, h, w) or (3, h, w), got {shape}.")
    if prod(shape) != strips[0].decoded.shape[-1]:
        raise ValueError(
            f"image_shape {shape} has {prod(shape)} values but the decoder gives "
            f"{strips[0].decoded.shape[-1]}."
        )
    sides = [] if ends is None else [end.cpu().double().numpy() for end in ends]
    everything = np.concatenate([*(strip.decoded.ravel() for strip in strips), *sides])
    low, high = float(everything.min()), float(everything.max())
    height, width = shape[-2] / shape[-1], 1.0
    step, title_space, count = width * 1.06, 0.42, len(strips[0].decoded)

    def place(image: np.ndarray, left: float, top: float) -> None:
        # Colours are clipped to what a screen has; grey takes the common scale.
        picture = (image.reshape(shape) - low) / max(high - low, 1e-12)
        if len(shape) == 3:
            picture = np.moveaxis(picture, 0, -1) if shape[0] == 3 else picture[0]
        extent = (left, left + width, top + height, top)
        ax.imshow(
            picture, extent=extent, cmap="gray_r", vmin=0, vmax=1,
            interpolation="nearest", gid="image",
        )  # fmt: skip

    bottom = 0.0
    for strip in strips:
        ax.text(
            0, bottom + title_space - 0.12, strip.title, color=strip.style.color, fontsize=7.5,
            fontweight="bold", ha="left", va="baseline", gid="title",
        )  # fmt: skip
        bottom += title_space
        for index, image in enumerate(strip.decoded):
            place(image, index * step, bottom)
        bottom += height
        ax.plot(
            [0, (count - 1) * step + width], [bottom + 0.1] * 2, color=strip.style.color,
            linestyle=strip.style.pattern, linewidth=1.6, solid_capstyle="butt",
        )  # fmt: skip
        bottom += 0.12
    right = (count - 1) * step + width
    left_edge, right_edge = 0.0, right
    if sides:
        middle = title_space + (bottom - title_space - height) / 2
        left_edge, right_edge = -step - 0.35, right + 0.35 + step
        for side, left, word in (
            (sides[0], left_edge, "○ start"), (sides[1], right_edge - width, "□ end")
        ):  # fmt: skip
            place(side, left, middle)
            ax.text(
                left + width / 2, middle - 0.12, word, ha="center", va="baseline",
                fontsize=7, color=INK,
            )  # fmt: skip
    bottom = _draw_uncertainty(ax, strips, bottom + 0.1, (width / 2, right - width / 2))
    scale = _scale_in_words(low, high, colored=len(shape) == 3 and shape[0] == 3)
    ax.text(right_edge, bottom + 0.42, scale, ha="right", va="center", fontsize=6.3, color=QUIET)
    ax.set_xlim(left_edge - 0.1, right_edge + 0.1)
    ax.set_ylim(bottom + 0.05, 0)
    ax.set_aspect("equal")
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.set_yticks([])
    ax.set_xticks([width / 2, right / 2, right - width / 2], ["t = 0", "t = ½", "t = 1"])
    ax.tick_params(axis="x", length=0, pad=1)


def _scale_in_words(low: float, high: float, *, colored: bool) -> str:
    least, most = (f"{value:.2g}".replace("-", "−") for value in (low, high))
    if colored:
        return f"each colour from {least} (none) to {most} (full)"
    return f"white is {least}, black {most}"


def _draw_uncertainty(
    ax: Axes, strips: list[_Strip], top: float, span: tuple[float, float], depth: float = 1.1
) -> float:
    """Curves of the uncertainty in the space below the images; returns where that space ends."""
    known = [strip.uncertainty for strip in strips if strip.uncertainty is not None]
    if not known:
        return top
    high = max(float(values.max()) for values in known)
    base = top + depth
    for strip in strips:
        if strip.uncertainty is not None:
            x = np.linspace(*span, len(strip.uncertainty))
            ax.plot(
                x, base - 0.85 * depth * strip.uncertainty / high, color=strip.style.color,
                linestyle=strip.style.pattern, linewidth=1.4, gid="uncertainty",
            )  # fmt: skip
    ax.plot(span, [base] * 2, color=QUIET, linewidth=0.5)
    ax.plot([span[0]] * 2, [base, base - 0.85 * depth], color=QUIET, linewidth=0.5)
    for height, text in ((base, "0"), (base - 0.85 * depth, f"{high:.2g}")):
        ax.annotate(
            text, (span[0], height), xytext=(-3, 0), textcoords="offset points", ha="right",
            va="center", fontsize=6.3, color=QUIET,
        )  # fmt: skip
    ax.annotate(
        "uncertainty σ", (span[0], base - 0.42 * depth), xytext=(-14, 0),
        textcoords="offset points", ha="right", va="center", fontsize=6.8, color=QUIET,
    )  # fmt: skip
    return base


def _draw_heat(ax: Axes, strips: list[_Strip]) -> None:
    everything = np.concatenate([strip.decoded.ravel() for strip in strips])
    low, high = float(everything.min()), float(everything.max())
    bottom, image = 0.0, None
    for strip in strips:
        ax.text(
            0, bottom + 0.17, strip.title, color=strip.style.color, fontsize=7.5, fontweight="bold",
            ha="left", va="baseline", gid="title",
        )  # fmt: skip
        image = ax.imshow(
            strip.decoded.T, extent=(0, 1, bottom + 1.2, bottom + 0.22), aspect="auto",
            cmap="cividis", vmin=low, vmax=max(high, low + 1e-12), interpolation="nearest",
            gid="image",
        )  # fmt: skip
        bottom += 1.25
    bottom = _draw_uncertainty(ax, strips, bottom, (0.0, 1.0), depth=0.5)
    ax.set_xlim(0, 1)
    ax.set_ylim(bottom + 0.02, 0)
    ax.set_aspect("auto")
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.set_yticks([])
    ax.set_xlabel("time t along the path")
    ax.set_ylabel("decoded features", color=INK)
    if image is not None:
        ax.figure.colorbar(image, ax=ax, label="decoded value (data's units)", aspect=28, pad=0.02)
