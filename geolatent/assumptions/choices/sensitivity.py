"""How verdicts move with choices that nobody reports."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from geolatent.assumptions.audit_report import AuditReport
from geolatent.assumptions.choices.design import Design
from geolatent.assumptions.choices.factor import Factor
from geolatent.assumptions.choices.morris import Morris
from geolatent.assumptions.choices.point import Found, Point
from geolatent.assumptions.choices.sensitivity_report import SensitivityReport
from geolatent.geodesics.block_progress import progress_bar
from geolatent.storage import atomic_write


def sensitivity(
    evaluate: Callable[[Mapping[str, Any]], AuditReport],
    factors: Mapping[str, Sequence[Any]] | Sequence[Factor],
    *,
    design: Design | None = None,
    directory: str | Path | None = None,
    progress: bool = False,
) -> SensitivityReport:
    """Audit again with other choices, and say which of them move which verdict.

    Args:
        evaluate: trains and audits; takes the level of every factor by its name, and returns the
            audit. What it raises is recorded for that run, and the others go on.
        factors: choices and what they could have been, `{"seed": (0, 1), "beta": (0.5, 1, 2)}`.
        design: which levels are run together; Morris' with four trajectories if not given.
        directory: where finished runs are kept; the same analysis again goes on from there, and
            tries again what failed. Another `evaluate` needs another directory.
        progress: show a bar on stderr.

    Returns:
        Effects, verdicts, indices, and where verdicts change.

    Raises:
        ValueError: a factor has too few levels, there are no factors, or no run gave an audit.
        MissingExtra: SALib is not installed.
    """
    chosen = as_factors(factors)
    design = Morris() if design is None else design
    plan = design.plan(chosen)
    points: dict[tuple[int, ...], Point] = {}
    rows = [tuple(row) for row in plan.levels.tolist()]
    distinct = list(dict.fromkeys(rows))
    order = list(range(len(distinct)))
    for number in progress_bar(order, title="sensitivity") if progress else order:
        row = distinct[number]
        settings = {f.name: f.levels[level] for f, level in zip(chosen, row, strict=True)}
        file = None if directory is None else Path(directory) / f"{_digest(settings)}.json"
        point = None if file is None else read_point(file)
        if point is None or point.failure is not None:
            point = _evaluated(evaluate, settings)
            if file is not None:
                write_point(file, point)
        points[row] = point
    return SensitivityReport(tuple(chosen), design, plan, tuple(points[row] for row in rows))


def as_factors(factors: Mapping[str, Sequence[Any]] | Sequence[Factor]) -> list[Factor]:
    """Factors from what a user gives.

    Raises:
        ValueError: there are none, one is named twice, or one has too few levels.
    """
    if isinstance(factors, Mapping):
        factors = [Factor(name, tuple(levels)) for name, levels in factors.items()]
    names = [factor.name for factor in factors]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"name at least one factor, and each once; got {names}.")
    return list(factors)


def read_point(file: Path) -> Point | None:
    """A run that was written before, if there is a whole one."""
    try:
        return Point.from_dict(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError):
        return None


def write_point(file: Path, point: Point) -> None:
    """Keep a run; complete or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(file, json.dumps(point.to_dict(), indent=1, allow_nan=False).encode())


def _evaluated(
    evaluate: Callable[[Mapping[str, Any]], AuditReport], settings: Mapping[str, Any]
) -> Point:
    began = time.perf_counter()
    try:
        report = evaluate(settings)
        findings = {name: Found.of(finding) for name, finding in report.items()}
    except Exception as error:  # of any kind: one run is lost, not all
        reason = f"{type(error).__name__}: {error}"
        return Point(settings, {}, reason, time.perf_counter() - began)
    return Point(settings, findings, None, time.perf_counter() - began)


def _digest(settings: Mapping[str, Any]) -> str:
    said = json.dumps({name: repr(level) for name, level in sorted(settings.items())})
    return hashlib.sha256(said.encode()).hexdigest()[:16]
