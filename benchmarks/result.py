"""What a measurement says against the reference of its case."""

from dataclasses import asdict, dataclass
from typing import Any, final

import numpy as np
from evaluator import Measured
from jaxtyping import Float
from measurement import Measurement
from reference import Reference

_LONGER = 1e-5  # what single precision leaves of a short line between images of norm ten


@final
@dataclass(frozen=True)
class Result:
    """One line of a table.

    Attributes:
        solver: its name.
        family: of solvers that differ only in accuracy.
        pairs: tried.
        failures: of them without a curve.
        unconverged: of them with a curve that the solver itself does not call converged.
        seconds: CPU time for 100 curves; none if there was none.
        passes: the same in forward and backward passes of the decoder over 3,200 points.
        mean: relative excess energy over the reference, of the curves that were found.
        median: of it.
        p95: 95th percentile of it.
        above: share of the curves found that are more than 1 % above.
        longer: number of curves longer than the straight line.
        length_error: largest relative error of a length.
        errors: what failures said, and how often.
        excess: of each pair, NaN where it failed.
    """

    solver: str
    family: str
    pairs: int
    failures: int
    unconverged: int
    seconds: float | None
    passes: float | None
    mean: float
    median: float
    p95: float
    above: float
    longer: int
    length_error: float
    errors: dict[str, int]
    excess: Float[np.ndarray, "b"]

    def to_dict(self) -> dict[str, Any]:
        """For a JSON file."""
        return {**asdict(self), "excess": [float(f"{value:.4g}") for value in self.excess]}


def result_of(
    measurement: Measurement,
    known: Reference,
    straight: Measured,
    pass_seconds: float,
) -> Result:
    """Compare with the reference and with the straight line."""
    count = len(measurement.measured.energy)
    energy, length = measurement.measured
    excess = energy / known.energy[:count] - 1
    found = np.isfinite(excess)
    values = excess[found] if found.any() else np.array([np.nan])
    error = np.abs(length / known.length[:count] - 1)[found]
    seconds = measurement.seconds
    return Result(
        solver=measurement.solver,
        family=measurement.family,
        pairs=measurement.pairs,
        failures=measurement.pairs - int(found.sum()),
        unconverged=measurement.unconverged,
        seconds=seconds,
        passes=None if seconds is None else seconds / pass_seconds,
        mean=float(values.mean()),
        median=float(np.median(values)),
        p95=float(np.percentile(values, 95)),
        above=float((values > 0.01).mean()),
        longer=int((length > straight.length[:count] * (1 + _LONGER)).sum()),
        length_error=float(error.max(initial=0)) if found.any() else float("nan"),
        errors=dict(measurement.errors),
        excess=excess,
    )


def lowered(known: Reference, measurements: list[Measurement]) -> tuple[Reference, float]:
    """The reference with every lower energy of this run, and by how much at most it fell."""
    if known.exact:
        return known, 0.0
    energy, length = known.energy.copy(), known.length.copy()
    for measurement in measurements:
        count = len(measurement.measured.energy)
        lower = measurement.measured.energy < energy[:count]
        energy[:count][lower] = measurement.measured.energy[lower]
        length[:count][lower] = measurement.measured.length[lower]
    fall = float((1 - energy / known.energy).max())
    return known._replace(energy=energy, length=length), fall
