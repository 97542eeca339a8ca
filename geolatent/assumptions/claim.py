"""What an assumption says, before any data were looked at."""

from dataclasses import dataclass
from typing import Literal, final, get_args

from geolatent.assumptions.tolerance import Tolerance

Kind = Literal["geometry", "statistics", "data", "causal", "integrity"]


@final
@dataclass(frozen=True, kw_only=True)
class Claim:
    """A statement that can fail, and how much of a failure is tolerated.

    Attributes:
        name: the key in reports and configurations.
        sentence: the claim.
        kind: what it is about.
        effect: what is measured, in words, with its unit.
        tolerance: the effects that the claim allows.
        remedy: what to do if it fails, and the configuration that does it.
        cost: what the estimator computes, in words; how long it took is in the finding.
        minimum_sample: items below which nothing is concluded.
        lower_bound: whether there may be more than the estimator can find, so that the claim holds
            only in that nothing was found against it.
        has_null: whether it has to hold on an affine decoder; if it does not, nothing is concluded.

    Raises:
        ValueError: there is no such kind.
    """

    name: str
    sentence: str
    kind: Kind
    effect: str
    tolerance: Tolerance
    remedy: str
    cost: str = ""
    minimum_sample: int = 20
    lower_bound: bool = False
    has_null: bool = False

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"kind={self.kind!r}: choose one of {', '.join(get_args(Kind))}.")
