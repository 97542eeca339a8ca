"""Geodesics are unique."""

from typing import final

import torch
from torch import Tensor
from typing_extensions import override

from geolatent.assumptions.assumption import Assumption
from geolatent.assumptions.claim import Claim
from geolatent.assumptions.measurement import Items, Measurement
from geolatent.assumptions.subject import Subject
from geolatent.assumptions.tolerance import Tolerance
from geolatent.geodesics import distinct_geodesics
from geolatent.interpolation import share_interval
from geolatent.metrics import Metric


@final
class UniqueGeodesics(Assumption):
    """The share of random pairs that more than one geodesic joins.

    From a straight line and four arcs on both sides of it; a geodesic counts if it is at most
    `longer` times as long as the shortest. What no start leads to is not found: a lower bound.

    Args:
        longer: relative excess up to which a further geodesic competes.
        tolerated: share of pairs that may have several.
        pairs: how many to look at, at most: each costs as much as five elsewhere.
    """

    def __init__(self, *, longer: float = 0.10, tolerated: float = 0.10, pairs: int = 60) -> None:
        self.longer, self.pairs = longer, pairs
        self.claim = Claim(
            name="unique-geodesics",
            cost=f"five geodesics for each of {pairs} pairs, at most",
            sentence="Two codes are joined by one geodesic.",
            kind="geometry",
            effect="share of random pairs that a further geodesic joins, at most "
            f"{longer:.0%} longer than the shortest",
            tolerance=Tolerance(
                at_most=tolerated, reason="means and gradients of distances jump between geodesics"
            ),
            remedy="Start from several curves (initialisations of geolatent.geodesics.connect), "
            "and restrict means to codes near each other.",
            minimum_sample=30,
            lower_bound=True,
            has_null=True,
        )

    @override
    def measure(self, subject: Subject) -> Measurement:
        pairs = subject.pairs
        start, end = (subject.codes[rows[: self.pairs]] for rows in (pairs.start, pairs.end))
        metric, planned = subject.model.induced_metric(), min(self.pairs, subject.pair_count)
        counted = [
            self._rivals(metric, start[some], end[some]) for some in subject.in_time(len(start))
        ]
        rivals, astray = (torch.cat(column) for column in zip(*counted, strict=True))
        start, end = start[: len(rivals)], end[: len(rivals)]
        several, good = rivals > 1, rivals > 0
        ends = torch.stack([start, end], 1).double().cpu().numpy()
        values = torch.where(good, rivals.double(), torch.nan).cpu().numpy()
        count, total = int(several.sum()), int(good.sum())
        return Measurement(
            effect=count / total if total else float("nan"),
            interval=share_interval(count, total, failed=len(start) - total),
            sample=total,
            failed=len(start) - total,
            items=Items(ends, values, limit=1.0),
            details={
                "share of pairs where a straight start does not lead to the shortest": float(
                    astray.double().mean()
                )
            },
            planned=planned,
        )

    def _rivals(self, metric: Metric, start: Tensor, end: Tensor) -> tuple[Tensor, Tensor]:
        """How many geodesics join each pair, and where a straight start misses the shortest."""
        found = distinct_geodesics(metric, start, end)
        length, pair = found.path.length, found.pair
        shortest = torch.full_like(start[:, 0], torch.inf)
        shortest = shortest.scatter_reduce(0, pair, length.nan_to_num(torch.inf), "amin")
        # Geodesics without a length are no ways between two places.
        rival = found.path.converged & (length > 0) & (length <= (1 + self.longer) * shortest[pair])
        first = found.start == 0
        return (
            torch.bincount(pair[rival], minlength=len(start)),
            length[first] > 1.01 * shortest[pair[first]],
        )
