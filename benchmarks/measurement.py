"""One solver on one case: timed, then evaluated."""

import gc
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import final

import numpy as np
import torch
from case import Case
from evaluator import Measured, measure
from jaxtyping import Float
from solver import Curves, Solver
from time_limit import OutOfTime, time_limit
from torch import nn

_PASS_POINTS = 3200
_CHEAP = 5.0  # seconds: what is cheaper is repeated, and the least time taken


@final
@dataclass
class Measurement:
    """What came out of a solver on the first pairs of a case.

    Attributes:
        solver: its name.
        family: see `Solver`.
        pairs: tried within the time limit.
        seconds: CPU time for 100 curves; none if not even one was finished.
        measured: energy and length of each pair tried, NaN where it failed.
        errors: what the failures said, and how often.
        unconverged: curves that the solver itself does not call converged.
    """

    solver: str
    family: str
    pairs: int
    seconds: float | None
    measured: Measured
    errors: Counter[str] = field(default_factory=Counter)
    unconverged: int = 0


def run(solver: Solver, case: Case, *, repeats: int = 3) -> Measurement:
    """Time the solver on the case and evaluate its curves outside the clock.

    Args:
        solver: whatever it raises becomes part of the measurement.
        case: of its first pairs, as many as the solver's limits allow.
        repeats: of a short run, of which the least time is taken.
    """
    try:
        _warm_up(solver, case)
        if solver.one_by_one:
            return _one_by_one(solver, case)
        return _in_one_batch(solver, case, repeats)
    except ImportError as error:
        return _failed(solver, 0, f"not installed ({error})")


def pass_cost(decoder: nn.Module, case: Case) -> float:
    """CPU seconds of one forward and backward pass over 3,200 points between the codes."""
    weight = torch.rand(_PASS_POINTS, 1, generator=torch.Generator().manual_seed(2))
    row = torch.arange(_PASS_POINTS) % len(case)
    points = torch.lerp(case.start[row], case.end[row], weight)

    def once() -> None:
        leaf = points.clone().requires_grad_()
        image = decoder(leaf)
        torch.autograd.grad(image, leaf, image.detach())

    once()
    return min(cpu_seconds(once)[0] for _ in range(5))


def cpu_seconds(call: Callable[[], Curves | None]) -> tuple[float, Curves | None]:
    """Time of the process and result of a call."""
    gc.collect()
    begin = time.process_time()
    result = call()
    return time.process_time() - begin, result


def _warm_up(solver: Solver, case: Case) -> None:
    """Import and initialise whatever the first call does once; its failures will come again."""
    if case.kind == "convolutional" or solver.one_by_one:
        return  # too long to pay for what it saves
    try:
        with time_limit(20):
            solver.solve(case.decoder, case.start[:2], case.start[:2] + 0.01)
    except ImportError:
        raise
    except Exception:
        return  # it will happen again inside the clock, and is reported then


def _in_one_batch(solver: Solver, case: Case, repeats: int) -> Measurement:
    count = min(len(case), solver.pairs)
    start, end = case.start[:count], case.end[:count]
    best = np.inf
    try:
        for _ in range(repeats):
            with time_limit(solver.seconds):
                seconds, curves = cpu_seconds(lambda: solver.solve(case.decoder, start, end))
            best = min(best, seconds)
            if seconds > _CHEAP:
                break
    except Exception as error:  # whatever a peer raises is its result
        return _failed(solver, count, _said(error))
    measured = measure(case, curves)
    return Measurement(
        solver.name,
        solver.family,
        count,
        best * 100 / count,
        measured,
        unconverged=solver.unconverged,
    )


def _one_by_one(solver: Solver, case: Case) -> Measurement:
    energies: list[float] = []
    lengths: list[float] = []
    errors: Counter[str] = Counter()
    spent = 0.0
    for pair in range(min(len(case), solver.pairs)):
        begin = time.process_time()
        curves = None
        try:
            with time_limit(solver.seconds - spent):
                curves = solver.solve(
                    case.decoder, case.start[pair : pair + 1], case.end[pair : pair + 1]
                )
        except OutOfTime as error:
            if not energies:
                return _failed(solver, 1, _said(error))
            break  # the pair that was cut off is neither counted nor timed
        except Exception as error:
            errors[_said(error)] += 1
        spent += time.process_time() - begin
        one = measure(case, curves) if curves else _nothing(1)
        energies.append(one.energy[0])
        lengths.append(one.length[0])
        if spent > solver.seconds:
            break
    count = len(energies)
    measured = Measured(np.array(energies), np.array(lengths))
    return Measurement(solver.name, solver.family, count, spent * 100 / count, measured, errors)


def _failed(solver: Solver, pairs: int, reason: str) -> Measurement:
    nothing = _nothing(pairs)
    return Measurement(solver.name, solver.family, pairs, None, nothing, Counter([reason]))


def _nothing(pairs: int) -> Measured:
    nan: Float[np.ndarray, "b"] = np.full(pairs, np.nan)
    return Measured(nan, nan)


def _said(error: Exception) -> str:
    if isinstance(error, OutOfTime):
        return str(error)
    return f"{type(error).__name__}: {error}".splitlines()[0][:90]
