"""What a test of an assumption can answer."""

from typing import Literal

Verdict = Literal["holds", "violated", "inconclusive", "not-applicable"]

Interval = tuple[float, float]
