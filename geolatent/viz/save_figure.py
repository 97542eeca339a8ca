"""Figures as files that are the same every time."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from PIL import Image  # matplotlib brings it

from geolatent.storage import atomic_write
from geolatent.viz.style import PNG_DPI, figure_style

# Neither a date nor a version: the same figure gives the same bytes.
_METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


@figure_style()
def save_figure(
    fig: Figure, path: str | Path, *, also: Sequence[str] = (), dpi: int = PNG_DPI
) -> list[Path]:
    """Write a figure, completely or not at all, and the same bytes for the same figure.

    Args:
        fig: the figure.
        path: a name ending in `.png`, `.svg` or `.pdf`. Missing folders are
            made.
        also: further formats beside it under the same name, such as `("svg", "pdf")`.
        dpi: dots per inch of PNG files and of what is raster in the others; 160 suits a page.

    Returns:
        The files written, the one asked for first.

    Raises:
        ValueError: a format is not one of the three.
        OSError: a file cannot be written; the one before it is whole.
    """
    target = Path(path)
    kinds = [target.suffix.removeprefix("."), *also]
    unknown = [kind for kind in kinds if kind not in _METADATA]
    if unknown:
        raise ValueError(
            f"{target.name}: cannot write {unknown}; figures are written as {sorted(_METADATA)}."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    written = []
    for kind in dict.fromkeys(kinds):
        stream = BytesIO()
        fig.savefig(stream, format=kind, dpi=dpi, metadata=_METADATA[kind])
        content = _compressed(stream.getvalue(), dpi) if kind == "png" else stream.getvalue()
        written.append(target.with_suffix(f".{kind}"))
        atomic_write(written[-1], content)
    return written


def _compressed(png: bytes, dpi: int) -> bytes:
    """The same pixels without transparency, which no figure here has, as small as they get."""
    stream = BytesIO()
    with Image.open(BytesIO(png)) as picture:
        opaque = picture.convert("RGB")
        opaque.save(stream, "PNG", optimize=True, dpi=(dpi, dpi))
    return stream.getvalue()
