"""What is concluded of one assumption, and on what grounds."""

import math
from dataclasses import asdict, dataclass
from typing import Any, final

from geolatent.assumptions.claim import Claim
from geolatent.assumptions.measurement import Items, Measurement
from geolatent.assumptions.verdict import Verdict

_SHOWN = 3


@final
@dataclass(frozen=True)
class Finding:
    """A verdict with everything that it rests on.

    Attributes:
        claim: what was tested.
        verdict: `"holds"`, `"violated"`, `"inconclusive"` or `"not-applicable"`.
        reason: why this verdict; a sentence.
        measurement: on the subject; none if not applicable.
        null: the same measurement on the affine decoder nearest to the subject's, where the claim
            is true by construction.
        seconds: that it took.
        lacking: the argument of `audit` without which nothing could be measured, if there is one.
    """

    claim: Claim
    verdict: Verdict
    reason: str
    measurement: Measurement | None = None
    null: Measurement | None = None
    seconds: float = 0.0
    lacking: str = ""

    @property
    def name(self) -> str:
        """Of the assumption."""
        return self.claim.name

    @property
    def effect(self) -> float:
        """In the claim's unit; NaN if not applicable."""
        return math.nan if self.measurement is None else self.measurement.effect

    @property
    def interval(self) -> tuple[float, float]:
        """Of the effect, 95 %; NaN if not applicable."""
        return (math.nan, math.nan) if self.measurement is None else self.measurement.interval

    @property
    def cut_short(self) -> bool:
        """Whether there was no time for a part of it, on the subject or on the affine decoder."""
        return any(m is not None and m.cut_short for m in (self.measurement, self.null))

    @property
    def where(self) -> Items | None:
        """The codes or pairs that fit the claim least."""
        if self.measurement is None or self.measurement.items is None:
            return None
        return self.measurement.items.worst(_SHOWN)

    @property
    def remedy(self) -> str:
        """What to do; empty where the claim holds or does not apply."""
        return self.claim.remedy if self.verdict in ("violated", "inconclusive") else ""

    def to_dict(self) -> dict[str, Any]:
        """For JSON: numbers that are none become null."""
        claim = asdict(self.claim)
        where = self.where
        return _without_nan(
            {
                **claim,
                "verdict": self.verdict,
                "reason": self.reason,
                "measurement": _numbers(self.measurement),
                "null": _numbers(self.null),
                "where": None
                if where is None
                else [
                    {"codes": codes.tolist(), "value": float(value)}
                    for codes, value in zip(where.codes, where.values, strict=True)
                ],
                "seconds": self.seconds,
            }
        )


def _numbers(measurement: Measurement | None) -> dict[str, Any] | None:
    if measurement is None:
        return None
    return {
        "effect": measurement.effect,
        "interval": list(measurement.interval),
        "sample": measurement.sample,
        "failed": measurement.failed,
        "details": dict(measurement.details),
    }


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
