"""Pages as one file."""

import base64
import math
from pathlib import Path

from geolatent.interpolation import Bend
from geolatent.report.finding import TOLERATED_SHARE, finding, headline, verdict
from geolatent.report.page import ModelSection, Page, ReportFigure
from geolatent.report.templates import render
from geolatent.storage import atomic_write

_TEMPLATE = "page.html.j2"
_PNG = b"\x89PNG\r\n\x1a\n"


def write_page(page: Page, path: str | Path) -> Path:
    """Write a page as one HTML file: no network, no scripts, pictures inside.

    The file is complete or not there, and the same for the same page.

    Args:
        page: what to say.
        path: of the file; missing folders are made.

    Returns:
        The path.

    Raises:
        ValueError: a picture is neither PNG nor SVG.
        FileNotFoundError: a picture's file does not exist.
        OSError: the file cannot be written; the one before it is whole.
    """
    target = Path(path)
    html = render_page(page)
    target.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(target, html.encode())
    return target


def render_page(page: Page) -> str:
    """The page as HTML text."""
    return render(
        _TEMPLATE,
        filters={"image": data_uri},
        page=page,
        headline=headline(page.sections),
        tolerated=f"{TOLERATED_SHARE:.0%}",
        threshold=f"{page.sections[0].bend.threshold:.0%}",
        sections=[
            (section, f"model-{number}", verdict(section.bend, null=section.null), finding(section))
            for number, section in enumerate(page.sections, start=1)
        ],
        table=table(page.sections),
    )


def table(sections: tuple[ModelSection, ...]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Rows of a name and, for each model, a value and its interval ("" where it has none)."""
    names = dict.fromkeys(name for section in sections for name in section.measures)
    rows = [
        (name, [(_number(section.measures.get(name, "–")), "") for section in sections])
        for name in names
    ]
    threshold = f"{sections[0].bend.threshold:.0%}"
    bends = [section.bend for section in sections]
    rows += [
        (
            f"pairs that bend by more than {threshold}",
            [(_share(bend.share), _interval(bend.share_interval)) for bend in bends],
        ),
        (
            "excess length, median",
            [(_share(bend.median), _interval(bend.median_interval)) for bend in bends],
        ),
        ("excess length, 90th percentile", [(_share(b.ninetieth_percentile), "") for b in bends]),
        ("excess length, greatest", [(_share(bend.greatest), "") for bend in bends]),
        ("pairs measured", [(str(bend.pairs), "") for bend in bends]),
        ("pairs that failed", [(str(bend.failed), "") for bend in bends]),
        (
            f"affine null: pairs that bend by more than {threshold}",
            [_null(section.null) for section in sections],
        ),
    ]
    return rows


def data_uri(figure: ReportFigure) -> str:
    """A picture as text that a page can hold."""
    image = figure.image
    content = image.read_bytes() if isinstance(image, Path) else image
    if content.startswith(_PNG):
        kind = "png"
    elif b"<svg" in content[:2000]:
        kind = "svg+xml"
    else:
        raise ValueError(f"the picture {figure.title!r} is neither PNG nor SVG.")
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _null(null: Bend | None) -> tuple[str, str]:
    return ("–", "") if null is None else (_share(null.share), _interval(null.share_interval))


def _share(value: float) -> str:
    if math.isnan(value):
        return "–"
    return f"{100 * value:.1f}%"


def _interval(interval: tuple[float, float]) -> str:
    if math.isnan(interval[0]):
        return ""
    return f"{100 * interval[0]:.1f} to {100 * interval[1]:.1f}%"


def _number(value: float | int | str) -> str:
    if isinstance(value, float):
        return "–" if math.isnan(value) else f"{value:.4g}".replace("-", "−")
    return str(value)
