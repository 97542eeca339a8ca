"""The interface of everything that an audit tests."""

from abc import ABC, abstractmethod

from geolatent.assumptions.claim import Claim
from geolatent.assumptions.measurement import Measurement, NotApplicable
from geolatent.assumptions.subject import Subject


class Assumption(ABC):
    """A claim and the estimator of its effect.

    A new one sets `claim` in its constructor and measures; intervals become verdicts elsewhere
    (`examine`), the same way for all.

    Attributes:
        claim: what is assumed, and how much of a failure is tolerated.
    """

    claim: Claim

    @abstractmethod
    def measure(self, subject: Subject) -> Measurement | NotApplicable:
        """The effect on this subject, or why there is none to measure.

        All randomness is taken from `subject.generator(self.claim.name)`, so that a finding does
        not depend on what else is tested.
        """
