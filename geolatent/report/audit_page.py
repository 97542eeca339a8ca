"""An audit as one HTML file."""

import base64
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from markupsafe import Markup

from geolatent.assumptions import LEVELS, Atlas, AuditReport, Finding
from geolatent.report.templates import render
from geolatent.storage import atomic_write

_TEMPLATE = "audit.html.j2"
_RANGE = (1.0, 99.0)  # percentiles that black and white stand for
_MARKS = 200  # of one claim
_KINDS = {1: "codes", 2: "pairs", 3: "triangles"}
_DETAIL = 3  # decimals of a coordinate, of the map's width of one


def write_audit_page(report: AuditReport, path: str | Path) -> Path:
    """Write an audit as one HTML file that needs no network.

    Verdicts first; then each assumption with claim, effect, interval, tolerance and null; a map of
    the codes on which pairs can be chosen, to see their straight line and their geodesic decoded.

    Args:
        report: what to write.
        path: of the file; missing folders are made.

    Returns:
        The path.

    Raises:
        OSError: the file cannot be written; the one before it is whole.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(target, render_audit(report).encode())
    return target


def render_audit(report: AuditReport) -> str:
    """The page as HTML text."""
    rows = [(finding, scale(finding), numbers(finding)) for finding in report.values()]
    atlas = report.atlas
    marks = {} if atlas is None else {f.name: marked(f, atlas) for f in report.values()}
    return render(
        _TEMPLATE,
        filters={"code": code, "number": _number},
        report=report,
        headline=headline(report),
        kinds=[
            (kind, [row for row in rows if row[0].claim.kind == kind])
            for kind in dict.fromkeys(finding.claim.kind for finding, *_ in rows)
        ],
        rows=rows,
        atlas=None if atlas is None else packed(atlas, marks),
        where={name: said for name, (said, _) in marks.items()},
        about=_flat({k: v for k, v in report.about.items() if k != "card"}),
        card=_flat(report.about.get("card", {})),
        levels=len(LEVELS),
    )


def code(text: str) -> Markup:
    """Text in which what stands between backticks is code."""
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else part
        for place, part in enumerate(parts)
    )


def headline(report: AuditReport) -> str:
    """The verdicts in one sentence: violated claims by name, the others counted."""
    names = {
        verdict: [name for name, finding in report.items() if finding.verdict == verdict]
        for verdict in ("violated", "inconclusive", "holds")
    }
    tested = sum(map(len, names.values()))
    if not tested:
        return "Nothing could be tested."
    violated = f" ({', '.join(names['violated'])})" if names["violated"] else ""
    return (
        f"Of {tested} claims, violated: {len(names['violated'])}{violated}; "
        f"inconclusive: {len(names['inconclusive'])}; holding: {len(names['holds'])}."
    )


def scale(finding: Finding) -> dict[str, Any] | None:
    """Where effect, interval, tolerance and null lie on a bar from 0 to 100.

    The bar shows the tolerated range and the interval with some room around; an effect far outside
    is at its end.
    """
    measurement = finding.measurement
    if measurement is None or not math.isfinite(measurement.effect):
        return None
    tolerance = finding.claim.tolerance
    low, high = measurement.interval
    points = [measurement.effect, low, high]
    points += [edge for edge in (tolerance.at_least, tolerance.at_most) if math.isfinite(edge)]
    if math.isinf(tolerance.at_least):
        points.append(0.0)
    if finding.null is not None:
        points.append(finding.null.effect)
    points = [point for point in points if math.isfinite(point)]
    least, greatest = min(points), max(points)
    room = 0.06 * (greatest - least) or 1.0
    least, greatest = least - room, greatest + room

    def at(value: float) -> float:
        return round(100 * min(max((value - least) / (greatest - least), 0.0), 1.0), 2)

    places: dict[str, Any] = {
        "effect": at(measurement.effect),
        "low": at(low) if math.isfinite(low) else 0.0,
        "high": at(high) if math.isfinite(high) else 100.0,
        "from": at(tolerance.at_least) if math.isfinite(tolerance.at_least) else 0.0,
        "to": at(tolerance.at_most) if math.isfinite(tolerance.at_most) else 100.0,
    }
    places["ticks"] = [
        (at(tick), f"{tick:g}".replace("-", "−")) for tick in _ticks(least, greatest)
    ]
    if finding.null is not None and math.isfinite(finding.null.effect):
        places["null"] = at(finding.null.effect)
    return places


def _ticks(least: float, greatest: float) -> list[float]:
    """Three to six round numbers between the two."""
    rough = (greatest - least) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough)
    first = math.ceil(least / step)
    return [round(k * step, 12) for k in range(first, math.floor(greatest / step) + 1)]


def numbers(finding: Finding) -> dict[str, str]:
    """What the page prints of a finding."""
    measurement = finding.measurement
    if measurement is None:
        return {}
    low, high = measurement.interval
    said = {
        "effect": _number(measurement.effect),
        "tolerated": str(finding.claim.tolerance).replace("-", "−"),
        "interval": f"{_number(low)} to {_number(high)}",
        "sample": str(measurement.sample)
        + (f", {measurement.failed} more failed" if measurement.failed else ""),
    }
    if finding.null is not None:
        low, high = finding.null.interval
        said["null"] = f"{_number(finding.null.effect)} ({_number(low)} to {_number(high)})"
    return said


def marked(finding: Finding, atlas: Atlas) -> tuple[str, Float[np.ndarray, "n k 2"]]:
    """What speaks against a claim: a sentence, and its codes, pairs or triangles on the map."""
    items = None if finding.measurement is None else finding.measurement.items
    if items is None or not np.isfinite(items.values).any():
        return "", np.zeros((0, 1, 2))
    against, kind = items.against(), _KINDS.get(items.codes.shape[1], "items")
    count, total = len(against.values), int(np.isfinite(items.values).sum())
    if items.limit is None:
        said = f"In colour: the {count} of {total} {kind} that fit the claim least."
    elif count:
        said = f"In colour: the {count} of {total} {kind} that count against the claim."
    else:
        said = f"None of {total} {kind} counts against the claim."
    lost = len(items.values) - total
    if lost:
        said = f"{said} Not measured, and not shown: {lost}."
    if count > _MARKS:
        said = f"{said} The worst {_MARKS} are shown."
    return said, atlas.placed(against.codes[:_MARKS])


def packed(
    atlas: Atlas, marks: Mapping[str, tuple[str, Float[np.ndarray, "n k 2"]]]
) -> dict[str, Any]:
    """The atlas as JSON for the page's script: coordinates in a unit square, a byte a pixel."""
    everything = np.concatenate(
        [atlas.codes, atlas.lines.reshape(-1, 2), atlas.geodesics.reshape(-1, 2)]
    )
    least = everything.min(0)
    width = float((everything.max(0) - least).max()) or 1.0

    def placed(points: np.ndarray) -> list[Any]:
        rounded: list[Any] = np.round((points - least) / width, _DETAIL).tolist()
        return rounded

    content: dict[str, Any] = {
        "codes": placed(atlas.codes),
        "axes": list(atlas.axes),
        "labels": None if atlas.labels is None else atlas.labels.tolist(),
        "names": list(atlas.label_names),
        "lines": placed(atlas.lines[:, [0, -1]]),
        "geodesics": placed(atlas.geodesics),
        "excess": [round(float(value), 4) for value in atlas.excess],
        "marks": {name: placed(points) for name, (_, points) in marks.items() if len(points)},
        "height": float((everything[:, 1].max() - least[1]) / width),
        "decoded": None,
    }
    if atlas.decoded is not None:
        low, high = np.percentile(atlas.decoded, _RANGE)
        # White is low and black is high, as in the figures.
        grey = (high - atlas.decoded) / (high - low if high > low else 1.0)
        pixels = np.clip(np.round(255 * grey), 0, 255).astype(np.uint8)
        pairs, _, steps, features = pixels.shape
        shape = atlas.image_shape
        if shape is not None and len(shape) == 3:  # (c, h, w): the mean over channels
            pixels = pixels.reshape(pairs, 2, steps, *shape).mean(3).astype(np.uint8)
            shape = shape[1:]
        content |= {
            "decoded": base64.b64encode(pixels.tobytes()).decode("ascii"),
            "steps": steps,
            "rows": 1 if shape is None else shape[0],
            "columns": features if shape is None else shape[1],
            "range": [_number(float(low)), _number(float(high))],
        }
    return content


def _number(value: float, digits: int = 3) -> str:
    return "–" if not math.isfinite(value) else f"{value:.{digits}g}".replace("-", "−")


def _flat(about: Any) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for name, value in about.items():
        if isinstance(value, dict):
            rows += [(str(key), str(entry)) for key, entry in value.items()]
        elif isinstance(value, bool):
            rows.append((str(name), "given" if value else "not given"))
        elif isinstance(value, list):
            rows.append((str(name), ", ".join(map(str, value)) or "none"))
        else:
            rows.append((str(name), str(value)))
    return rows
