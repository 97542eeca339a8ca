"""How large an effect may be before it matters."""

import math
from dataclasses import dataclass
from typing import final

from geolatent.assumptions.verdict import Interval, Verdict


@final
@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """The range of effects that a claim allows, stated before anything was measured.

    A verdict is an equivalence test: absence of evidence is not evidence of absence. With a 95 %
    interval either definite verdict is wrong for at most 2.5 % of the samples when the effect is
    exactly at the edge of the range, and for fewer elsewhere.

    Args:
        at_least: lowest effect that is tolerated.
        at_most: greatest effect that is tolerated.
        reason: why that much; a sentence.

    Raises:
        ValueError: the range is empty or no range.

    References:
        Schuirmann, D. J. (1987). A comparison of the two one-sided tests procedure and the power
        approach for assessing the equivalence of average bioavailability. J. Pharmacokinet.
        Biopharm. 15.
    """

    at_least: float = -math.inf
    at_most: float = math.inf
    reason: str

    def __post_init__(self) -> None:
        if not self.at_least < self.at_most:
            raise ValueError(
                f"a tolerance must be a range, got at_least={self.at_least:g} and "
                f"at_most={self.at_most:g}."
            )

    def judge(self, interval: Interval) -> Verdict:
        """'holds' if the interval is in the range, 'violated' if it is outside, else undecided."""
        low, high = interval
        if math.isnan(low) or math.isnan(high):
            return "inconclusive"
        if self.at_least <= low and high <= self.at_most:
            return "holds"
        if low > self.at_most or high < self.at_least:
            return "violated"
        return "inconclusive"

    def __str__(self) -> str:
        if math.isinf(self.at_least):
            return f"≤ {self.at_most:g}"
        if math.isinf(self.at_most):
            return f"≥ {self.at_least:g}"
        return f"{self.at_least:g} to {self.at_most:g}"
