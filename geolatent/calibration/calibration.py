"""How often an audit is wrong, claim by claim."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any, Literal, final

from geolatent.calibration.calibrated_simulation import CalibratedSimulation, Rate

NOMINAL = 0.05
"""Rate of wrong verdicts above which a claim is not calibrated."""

Shown = Literal["shown", "calibrated", "undecided", "not calibrated"]
"""What rates of wrong verdicts say of a claim: see `ClaimCalibration.verdict`."""

_AT_MOST = 2 * NOMINAL  # what audits must rule out before a claim is called calibrated
_SAID: dict[Shown, str] = {
    "shown": f"calibrated, at most {NOMINAL:.0%} is shown",
    "calibrated": "calibrated",
    "undecided": "undecided: too few audits",
    "not calibrated": "**not calibrated**",
}

_NONE = Rate(0, 0)


@final
@dataclass(frozen=True)
class ClaimCalibration:
    """One claim over all of its simulations.

    Attributes:
        simulations: of this claim.
    """

    simulations: tuple[CalibratedSimulation, ...]

    @property
    def false_alarms(self) -> Rate:
        """Violated, of subjects of which the claim is true."""
        return self._pooled("violated", "true")

    @property
    def false_reassurances(self) -> Rate:
        """Holds, of subjects of which the claim is false and whose effect can be seen."""
        return self._pooled("holds", "false")

    @property
    def edge_alarms(self) -> Rate:
        """Violated, of subjects exactly at the edge of the tolerance."""
        return self._pooled("violated", "edge")

    @property
    def edge_reassurances(self) -> Rate:
        """Holds, of subjects exactly at the edge of the tolerance."""
        return self._pooled("holds", "edge")

    @property
    def coverage(self) -> Rate:
        """Intervals that contain the effect, where it is known exactly."""
        return reduce(add, (one.covered for one in self.simulations), _NONE)

    @property
    def recovered(self) -> dict[str, Rate]:
        """The same of details."""
        names = {name for one in self.simulations for name in one.recovered}
        return {
            name: reduce(add, (s.recovered[name] for s in self.simulations if name in s.recovered))
            for name in sorted(names)
        }

    @property
    def worst(self) -> CalibratedSimulation:
        """The simulation whose rate of wrong verdicts is surely the greatest: by its lower end."""
        return max(self.simulations, key=lambda one: one.wrong.interval[0])

    @property
    def verdict(self) -> Shown:
        """What the rates of wrong verdicts show, pooled and simulation by simulation.

        - `"not calibrated"`: a pooled rate is above 5 %, or the whole interval of one simulation,
          which easier ones would dilute.
        - `"undecided"`: there are too few audits to rule out that a pooled rate is above 10 %.
        - `"shown"`: each pooled rate, at the edge too, has an interval that ends below 5 %.
        - `"calibrated"`: neither. Rates are below 5 % as far as they are known.
        """
        pooled = (
            self.false_alarms,
            self.false_reassurances,
            self.edge_alarms,
            self.edge_reassurances,
        )
        counted = [rate for rate in pooled if rate.total]
        highest = max((rate.interval[1] for rate in counted), default=1.0)
        above = any(rate.value > NOMINAL for rate in counted)
        if above or self.worst.wrong.interval[0] > NOMINAL:
            return "not calibrated"
        if highest > _AT_MOST:
            return "undecided"
        return "shown" if len(counted) == len(pooled) and highest <= NOMINAL else "calibrated"

    def _pooled(self, verdict: str, side: str) -> Rate:
        rates = (getattr(s, verdict) for s in self.simulations if s.side == side and not s.blind)
        return reduce(add, rates, _NONE)


@final
@dataclass(frozen=True)
class Calibration:
    """All simulations.

    Attributes:
        simulations: as they were run.
    """

    simulations: tuple[CalibratedSimulation, ...]

    @property
    def claims(self) -> dict[str, ClaimCalibration]:
        """By name, in the order of the simulations."""
        names = dict.fromkeys(one.claim for one in self.simulations)
        return {
            name: ClaimCalibration(tuple(s for s in self.simulations if s.claim == name))
            for name in names
        }

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "claims": {
                name: {
                    "verdict": claim.verdict,
                    "false_alarms": _counts(claim.false_alarms),
                    "false_reassurances": _counts(claim.false_reassurances),
                    "edge_alarms": _counts(claim.edge_alarms),
                    "edge_reassurances": _counts(claim.edge_reassurances),
                    "coverage": _counts(claim.coverage),
                    "recovered": {k: _counts(rate) for k, rate in claim.recovered.items()},
                }
                for name, claim in self.claims.items()
            },
            "simulations": [one.to_dict() for one in self.simulations],
        }

    def rows(self) -> list[tuple[str, ...]]:
        """The table of claims, its header first."""
        header = (
            "claim",
            "violated though true",
            "violated at the edge",
            "holds though false",
            "holds at the edge",
            "intervals that cover",
            "worst family",
            "",
        )
        return [header, *(_row(name, claim) for name, claim in self.claims.items())]

    def to_markdown(self) -> str:
        """Both tables: claims, and all simulations."""
        details = [("claim", "family", "effect", "is", "holds", "violated", "covered")]
        details += [
            (
                one.claim,
                one.family + (f" ({one.blind})" if one.blind else ""),
                f"{one.effect:.3g} ({one.tolerance})",
                one.side if one.side != "edge" else "at the edge",
                f"{one.holds.count} of {one.holds.total}",
                f"{one.violated.count}",
                f"{one.covered.count}" if one.covered.total else "",
            )
            for one in self.simulations
        ]
        known = [
            f"- `{name}`, {detail}: {rate} intervals contain the true one."
            for name, claim in self.claims.items()
            for detail, rate in claim.recovered.items()
        ]
        parts = [markdown_table(self.rows()), *(["\n".join(known)] if known else [])]
        return "\n\n".join([*parts, markdown_table(details)]) + "\n"


def markdown_table(rows: Sequence[tuple[str, ...]]) -> str:
    """Rows as a table, the header first."""
    lines = [rows[0], ("---",) * len(rows[0]), *rows[1:]]
    # A vertical bar would end the cell.
    return "\n".join(
        "| " + " | ".join(c.replace("|", r"\|") for c in line) + " |" for line in lines
    )


def _row(name: str, claim: ClaimCalibration) -> tuple[str, ...]:
    worst = claim.worst
    said = f"{worst.wrong}: {worst.family}" if worst.wrong.count else "none"
    return (
        name,
        str(claim.false_alarms),
        str(claim.edge_alarms),
        str(claim.false_reassurances),
        str(claim.edge_reassurances),
        str(claim.coverage),
        said,
        _SAID[claim.verdict],
    )


def _counts(rate: Rate) -> dict[str, Any]:
    return {"count": rate.count, "total": rate.total, "interval": list(rate.interval)}
