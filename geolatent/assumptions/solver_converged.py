"""The geodesics that the audit rests on converged."""

from typing import final

from typing_extensions import override

from geolatent.assumptions.assumption import Assumption
from geolatent.assumptions.claim import Claim
from geolatent.assumptions.measurement import Items, Measurement
from geolatent.assumptions.subject import Subject
from geolatent.assumptions.tolerance import Tolerance
from geolatent.interpolation import share_interval


@final
class SolverConverged(Assumption):
    """The share of random pairs whose geodesic was not found, or not to a stated accuracy.

    Args:
        accuracy: relative error of a length that counts as found.
        tolerated: share of pairs that may fail.
    """

    def __init__(self, *, accuracy: float = 0.01, tolerated: float = 0.05) -> None:
        self.accuracy = accuracy
        self.claim = Claim(
            name="solver-converged",
            cost="geodesics of all pairs, once for all claims of geometry",
            sentence="The geodesics that this audit rests on were found.",
            kind="integrity",
            effect="share of random pairs whose geodesic did not converge or whose length is off "
            f"by more than {accuracy:.0%}",
            tolerance=Tolerance(
                at_most=tolerated, reason="failed pairs widen every interval by their share"
            ),
            remedy="Look at the decoder where it fails (kinks, NaN); raise `segments` and "
            "`max_iterations` of geolatent.geodesics.connect; use float64.",
            minimum_sample=30,
            has_null=True,
        )

    @override
    def measure(self, subject: Subject) -> Measurement:
        path = subject.pairs.path
        off = path.length_error / path.length.where(path.length > 0, path.length.new_ones(()))
        bad = ~path.converged | ~(off <= self.accuracy)
        total = len(path)
        ends = path.points[:, [0, -1]].double().cpu().numpy()
        return Measurement(
            effect=int(bad.sum()) / total,
            interval=share_interval(int(bad.sum()), total),
            sample=total,
            items=Items(ends, bad.double().cpu().numpy(), limit=0.0),
            planned=subject.pair_count,
        )
