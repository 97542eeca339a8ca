"""What an estimator found."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import final

import numpy as np
from jaxtyping import Float

from geolatent.assumptions.verdict import Interval


@final
@dataclass(frozen=True)
class Items:
    """One value for each code, pair or triangle of codes that was looked at.

    Attributes:
        codes: `(n, k, d)`: k = 1 for single codes, 2 for the ends of pairs, 3 for corners.
        values: `(n,)`, NaN where it could not be measured.
        worse: whether greater (1) or lesser (-1) values are worse.
        limit: beyond which an item counts against the claim; none where none does by itself.
    """

    codes: Float[np.ndarray, "n k d"]
    values: Float[np.ndarray, "n"]
    worse: int = 1
    limit: float | None = None

    def worst(self, count: int) -> "Items":
        """The items that fit the claim least, worst first; those without a value are left out."""
        finite = np.flatnonzero(np.isfinite(self.values))
        order = finite[np.argsort(-self.worse * self.values[finite], kind="stable")][:count]
        return replace(self, codes=self.codes[order], values=self.values[order])

    def against(self) -> "Items":
        """The items that count against the claim, worst first; without a limit the worst tenth."""
        finite = self.values[np.isfinite(self.values)]
        if self.limit is None:
            return self.worst(len(finite) // 10)
        return self.worst(int((self.worse * finite > self.worse * self.limit).sum()))


@final
@dataclass(frozen=True)
class Measurement:
    """An effect with its 95 % interval.

    Attributes:
        effect: in the unit of the claim.
        interval: of the effect, 95 %.
        sample: items that it rests on.
        failed: further items that could not be measured; the interval must allow for them.
        items: the value of every item, for pictures and for where it fails.
        details: further numbers worth reading, by name.
        planned: items that were to be looked at, where a lack of time can make them fewer.
        done: how many of what was planned were come to; the sample and what failed, if not given.
        counted: what is planned, a plural.
        said: a sentence for the reader beside the verdict's reason; empty if there is none.

    Raises:
        ValueError: the interval's lower end is above its upper one.
    """

    effect: float
    interval: Interval
    sample: int
    failed: int = 0
    items: Items | None = None
    details: Mapping[str, float] = field(default_factory=dict)
    planned: int | None = None
    done: int | None = None
    counted: str = "items"
    said: str = ""

    def __post_init__(self) -> None:
        low, high = self.interval
        if low > high:
            raise ValueError(f"an interval goes from low to high, got {self.interval}.")

    @property
    def come_to(self) -> int:
        """How many of what was planned there was time for."""
        return self.looked if self.done is None else self.done

    @property
    def looked(self) -> int:
        """How many items there were, measured or not."""
        return self.sample + self.failed

    @property
    def cut_short(self) -> bool:
        """Whether there was no time for some of what was planned."""
        return self.planned is not None and self.come_to < self.planned


@final
@dataclass(frozen=True)
class NotApplicable:
    """There is nothing to measure.

    Attributes:
        reason: why, a sentence.
        lacking: the argument of `audit` that would change that, for the readiness level: what was
            not looked at is not passed. Empty where nothing could be given.
    """

    reason: str
    lacking: str = ""
