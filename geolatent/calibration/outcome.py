"""What came out of one audit of one simulated subject."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

from geolatent.assumptions import Finding, Interval, Verdict


@final
@dataclass(frozen=True)
class Outcome:
    """A verdict and its interval, without the claim.

    Attributes:
        verdict: of the audit.
        effect: estimated.
        interval: of the effect, 95 %.
        bounded: lower and upper bounds of details that come with them, by name.
    """

    verdict: Verdict
    effect: float
    interval: Interval
    bounded: Mapping[str, Interval]

    @classmethod
    def of(cls, finding: Finding) -> "Outcome":
        """Of a finding."""
        details = {} if finding.measurement is None else finding.measurement.details
        bounded = {
            name: (details[f"{name}, low"], details[f"{name}, high"])
            for name in details
            if f"{name}, low" in details and f"{name}, high" in details
        }
        return cls(finding.verdict, finding.effect, finding.interval, bounded)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Outcome":
        """The inverse of `to_dict`."""
        low, high = content["interval"]
        bounded = {name: (a, b) for name, (a, b) in content["bounded"].items()}
        return cls(content["verdict"], content["effect"], (low, high), bounded)

    def to_dict(self) -> dict[str, Any]:
        """For JSON as Python writes it, with NaN and infinities."""
        return {
            "verdict": self.verdict,
            "effect": self.effect,
            "interval": list(self.interval),
            "bounded": {name: list(bounds) for name, bounds in self.bounded.items()},
        }
