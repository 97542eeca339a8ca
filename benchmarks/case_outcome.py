"""One case from its pairs to its results."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from case import Case
from engine import DEFAULT, engines
from evaluator import measure
from measurement import Measurement, pass_cost, run
from peak_memory import peak_memory
from reference import Reference
from result import Result, lowered, result_of
from solver import Solver, straight_nodes, through_nodes
from targets import Check, checks

_STRAIGHT_SEGMENTS = 128


@final
@dataclass(frozen=True)
class CaseOutcome:
    """What a case showed.

    Attributes:
        name: of the case.
        kind: of the case.
        pairs: how many.
        pass_seconds: CPU time of one forward and backward pass over 3,200 points.
        straight_excess: mean relative excess energy of the straight lines.
        reference: what was compared with, in words.
        memory: megabytes that one solve with our defaults added at its peak.
        results: one for each solver.
        checks: the targets that this case decides.
    """

    name: str
    kind: str
    pairs: int
    pass_seconds: float
    straight_excess: float
    reference: str
    memory: float | None
    results: list[Result]
    checks: list[Check]


def case_outcome(
    case: Case,
    known: Reference,
    solvers: list[Solver],
    *,
    repeats: int,
    report: Callable[[str], None],
) -> CaseOutcome:
    """Run the solvers one after the other and compare them when all are done.

    Args:
        case: what to solve.
        known: what to compare with.
        solvers: in the order of the table.
        repeats: of short runs.
        report: gets a line when a solver is done.
    """
    straight = measure(
        case, through_nodes(straight_nodes(case.start, case.end, _STRAIGHT_SEGMENTS))
    )
    cost = pass_cost(case.decoder, case)
    memory = None
    measurements: list[Measurement] = []
    for solver in solvers:
        if solver.name == DEFAULT:
            default = engines(double=False)[0]
            memory = peak_memory(lambda: default.solve(case.decoder, case.start, case.end))  # noqa: B023
        measurements.append(run(solver, case, repeats=repeats))
        report(_line(measurements[-1], known))
    known, fall = lowered(known, measurements)
    results = [result_of(m, known, straight, cost) for m in measurements]
    source = known.source
    if fall > 1e-6:
        source += f"; solvers of this run lowered it by up to {fall:.1e}"
    return CaseOutcome(
        name=case.name,
        kind=case.kind,
        pairs=len(case),
        pass_seconds=cost,
        straight_excess=float((straight.energy / known.energy - 1).mean()),
        reference=source,
        memory=memory,
        results=results,
        checks=checks(case.name, case.kind, results),
    )


def _line(measurement: Measurement, known: Reference) -> str:
    if measurement.seconds is None:
        return f"{measurement.solver:38s} {next(iter(measurement.errors))}"
    energy = measurement.measured.energy
    excess = energy / known.energy[: len(energy)] - 1
    mean = float(np.nanmean(excess)) if np.isfinite(excess).any() else float("nan")
    return f"{measurement.solver:38s} {measurement.seconds:9.3f} s/100  mean excess {mean:9.2e}"
