"""How often the audit of one simulation was wrong."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

from geolatent.assumptions import Interval, share_interval
from geolatent.calibration.outcome import Outcome
from geolatent.calibration.simulation import Side, Simulation


@final
@dataclass(frozen=True)
class Rate:
    """How many of how many.

    Attributes:
        count: those.
        total: of all.
    """

    count: int
    total: int

    @property
    def value(self) -> float:
        """The share; NaN of none."""
        return self.count / self.total if self.total else float("nan")

    @property
    def interval(self) -> Interval:
        """Exact 95 % interval (Clopper-Pearson); everything is possible of none."""
        return share_interval(self.count, self.total) if self.total else (0.0, 1.0)

    def __add__(self, other: "Rate") -> "Rate":
        """Both together."""
        return Rate(self.count + other.count, self.total + other.total)

    def __str__(self) -> str:
        """As in a table: 2 of 40: 5.0 % [0.6, 16.9]."""
        if not self.total:
            return "—"
        low, high = (100 * bound for bound in self.interval)
        return f"{100 * self.value:.1f} % [{low:.1f}, {high:.1f}] of {self.total}"


@final
@dataclass(frozen=True)
class CalibratedSimulation:
    """A simulation and what came out of it.

    Attributes:
        claim: name of the assumption.
        family: of the simulation.
        effect: of the population.
        tolerance: in words.
        edge: the edge of the tolerance that is nearer to the effect.
        side: on which the claim is.
        blind: why the estimator cannot see the effect; empty if it can.
        holds: verdicts of this kind.
        violated: verdicts of this kind.
        covered: intervals that contain the effect; of none if that is not known exactly. Where
            the effect is a lower bound, those that do not begin above it.
        recovered: the same of known details, by their name.
    """

    claim: str
    family: str
    effect: float
    tolerance: str
    edge: float
    side: Side
    blind: str
    holds: Rate
    violated: Rate
    covered: Rate
    recovered: dict[str, Rate]

    @property
    def wrong(self) -> Rate:
        """Wrong verdicts; at the edge, where either is, those of the commoner kind.

        Of none where the effect cannot be seen.
        """
        if self.blind:
            return Rate(0, 0)
        if self.side == "edge":
            return max(self.holds, self.violated, key=lambda rate: rate.count)
        return self.violated if self.side == "true" else self.holds

    @classmethod
    def of(cls, simulation: Simulation, outcomes: Sequence[Outcome]) -> "CalibratedSimulation":
        """Counts over the outcomes."""
        total, effect = len(outcomes), simulation.effect

        def count(verdict: str) -> Rate:
            return Rate(sum(one.verdict == verdict for one in outcomes), total)

        def covering(intervals: Sequence[Interval], truth: float) -> Rate:
            return Rate(sum(low <= truth <= high for low, high in intervals), len(intervals))

        lower_bound = simulation.assumption.claim.lower_bound
        known = simulation.known.items()
        return cls(
            claim=simulation.name,
            family=simulation.family,
            effect=effect,
            tolerance=str(simulation.assumption.claim.tolerance),
            edge=simulation.edge,
            side=simulation.side,
            blind=simulation.blind,
            holds=count("holds"),
            violated=count("violated"),
            covered=covering([_bounds(one, lower_bound) for one in outcomes], effect)
            if simulation.exact and not simulation.blind
            else Rate(0, 0),
            recovered={
                name: covering([one.bounded[name] for one in outcomes if name in one.bounded], true)
                for name, true in known
            },
        )

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "claim": self.claim,
            "family": self.family,
            "effect": self.effect,
            "tolerance": self.tolerance,
            "side": self.side,
            "blind": self.blind,
            "draws": self.holds.total,
            "holds": self.holds.count,
            "violated": self.violated.count,
            "covered": [self.covered.count, self.covered.total],
            "recovered": {k: [rate.count, rate.total] for k, rate in self.recovered.items()},
        }


def _bounds(outcome: Outcome, lower_bound: bool) -> Interval:
    low, high = outcome.interval
    return (low, math.inf) if lower_bound else (low, high)
