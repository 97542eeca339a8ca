"""One run of a sensitivity analysis and what its audit found."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, final

from geolatent.assumptions.finding import Finding
from geolatent.assumptions.verdict import Interval, Verdict


@final
@dataclass(frozen=True)
class Found:
    """What one run found of one claim.

    Attributes:
        verdict: of the claim.
        effect: in the claim's unit; NaN if not applicable.
        interval: of the effect, 95 %.
        tolerated: least and greatest effect that the claim allowed in this run.
        reason: why this verdict.
        whole: whether all was measured that was to be: the claim applies, and there was time.
        details: further numbers.
    """

    verdict: Verdict
    effect: float
    interval: Interval
    tolerated: Interval
    reason: str
    whole: bool
    details: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, finding: Finding) -> "Found":
        """The numbers of a finding."""
        tolerance = finding.claim.tolerance
        measured = finding.measurement
        parts = [part for part in (measured, finding.null) if part is not None]
        return cls(
            finding.verdict,
            finding.effect,
            finding.interval,
            (tolerance.at_least, tolerance.at_most),
            finding.reason,
            measured is not None and not any(part.cut_short for part in parts),
            {} if measured is None else dict(measured.details),
        )


@final
@dataclass(frozen=True)
class Point:
    """A run: its choices, and its findings or why there are none.

    Attributes:
        settings: the level of every factor, by its name.
        findings: by the names of the claims.
        failure: why there are no findings; None if there are.
        seconds: that the run took.
    """

    settings: Mapping[str, Any]
    findings: Mapping[str, Found] = field(default_factory=dict)
    failure: str | None = None
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """For JSON; null stands for a number that is not finite."""
        return {
            "settings": {name: _plain(level) for name, level in self.settings.items()},
            "findings": {
                name: _without_infinity(asdict(found)) for name, found in self.findings.items()
            },
            "failure": self.failure,
            "seconds": round(self.seconds, 2),
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> "Point":
        """What `to_dict` wrote."""
        findings = {
            name: Found(
                found["verdict"],
                _number(found["effect"], math.nan),
                _interval(found["interval"], found["verdict"]),
                (
                    _number(found["tolerated"][0], -math.inf),
                    _number(found["tolerated"][1], math.inf),
                ),
                found["reason"],
                found["whole"],
                {key: _number(value, math.nan) for key, value in found["details"].items()},
            )
            for name, found in record["findings"].items()
        }
        return cls(record["settings"], findings, record["failure"], record["seconds"])


def _interval(values: list[float | None], verdict: str) -> Interval:
    missing = math.nan if verdict == "not-applicable" else math.inf
    return _number(values[0], -missing), _number(values[1], missing)


def _number(value: float | None, missing: float) -> float:
    return missing if value is None else float(value)


def _plain(level: Any) -> Any:
    """A level as JSON can hold it."""
    return level if isinstance(level, str | int | float | bool) or level is None else str(level)


def _without_infinity(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_infinity(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_without_infinity(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
