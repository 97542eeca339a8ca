"""The tables that a person reads."""

import math

import numpy as np
from case_outcome import CaseOutcome
from engine import FAMILY
from growth import Growth
from result import Result
from targets import Check
from time_to_accuracy import Statistic, seconds_to_match

_HEADER = (
    "solver", "pairs", "s / 100", "passes", "mean excess", "median", "95 %", "> 1 %", "longer",
    "failed", "length error", "its mean in", "ratio", "its median in", "ratio",
)  # fmt: skip


def markdown_report(
    setting: str, outcomes: list[CaseOutcome], growth: list[Growth], checks: list[Check]
) -> str:
    """The whole report."""
    parts = ["# Geodesics: geolatent and its peers", setting, _HOW_TO_READ]
    if checks:
        parts += ["## Targets", targets_table(checks)]
    parts += [_case(outcome) for outcome in outcomes]
    if growth:
        rows = [(g.what, f"{g.size:,}", _number(g.seconds), f"{g.converged:.0%}") for g in growth]
        parts += ["## Growth", _table(("what", "size", "CPU s", "converged"), rows)]
    return "\n\n".join(parts) + "\n"


def targets_table(checks: list[Check]) -> str:
    """One line for each claim."""
    rows = [(c.case, c.claim, c.measured, "met" if c.met else "**not met**") for c in checks]
    return _table(("case", "target", "measured", ""), rows)


def _case(outcome: CaseOutcome) -> str:
    memory = "" if outcome.memory is None else f" Our default solve adds {outcome.memory:.0f} MB."
    straight = f"{outcome.straight_excess:.2%}"
    text = (
        f"{outcome.pairs} pairs. One forward and backward pass over 3,200 points takes "
        f"{1e3 * outcome.pass_seconds:.2g} ms. The straight lines have "
        f"{straight} excess energy on average. Reference: {outcome.reference}.{memory}"
    )
    rows = [_row(result, outcome.results) for result in outcome.results]
    notes = [
        f"- {r.solver}: {', '.join(f'{text} ({n} ×)' for text, n in r.errors.items())}"
        for r in outcome.results
        if r.errors
    ]
    return "\n\n".join(
        [f"## {outcome.name}", text, _table(_HEADER, rows), *(["\n".join(notes)] if notes else [])]
    )


def _row(result: Result, results: list[Result]) -> tuple[str, ...]:
    matches = [_match(result, results, np.mean), _match(result, results, np.median)]
    return (
        result.solver,
        str(result.pairs),
        _number(result.seconds),
        _number(result.passes),
        _small(result.mean),
        _small(result.median),
        _small(result.p95),
        "" if math.isnan(result.mean) else f"{result.above:.0%}",
        str(result.longer),
        str(result.failures),
        _small(result.length_error),
        *matches[0],
        *matches[1],
    )


def _match(result: Result, results: list[Result], of: Statistic) -> tuple[str, str]:
    if result.family.startswith(FAMILY) or result.seconds is None:
        return "", ""
    seconds = seconds_to_match(results, result, of=of)
    if seconds is None:
        return "never", ""
    return f"{_number(seconds)} s", f"{_number(result.seconds / seconds)} ×"


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [header, ("---", *["---:"] * (len(header) - 1)), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def _small(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.1e}"


_HOW_TO_READ = """\
CPU seconds of the process for 100 curves, the least of up to three runs where a run is short;
*passes*: the same time in forward and backward passes of the decoder over 3,200 points. Every curve
is evaluated at the same 512 chords in float64 (128 for the convolutional decoder): *excess* is its
energy over the reference, − 1, over the curves that were found. *Its mean in*, *its median in*: the
least time in which one of our settings reaches the peer's mean or median excess over the pairs that
the peer solved, and the peer's time over ours. The machine is shared: compare within one run
only."""
