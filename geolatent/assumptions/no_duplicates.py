"""What is audited was not trained on."""

from typing import final

import numpy as np
import torch
from typing_extensions import override

from geolatent.assumptions.assumption import Assumption
from geolatent.assumptions.claim import Claim
from geolatent.assumptions.measurement import Items, Measurement, NotApplicable
from geolatent.assumptions.subject import Subject
from geolatent.assumptions.tolerance import Tolerance
from geolatent.interpolation import nearest_distance, share_interval

_SPACING_FROM = 1000  # training data are enough for a median


@final
class NoDuplicates(Assumption):
    r"""The share of the data that are in the training data, or nearly.

    .. math:: \min_j \|x - x_j\| < τ \operatorname{median}_i \min_{j \ne i} \|x_i - x_j\|

    with the distinct ones of the training data on the right, so that oversampling moves no
    distance. A datum that is in the training data counts whatever that distance is. Where most of
    the audited data have an equal among themselves few values are possible, equal ones are no leak,
    and this claim says nothing.

    Args:
        threshold: τ, the share of the usual distance to a neighbour that makes a duplicate.
        tolerated: share of the data that may be duplicates.
        items: data to look at, at most.

    References:
        Barz, B., Denzler, J. (2020). Do we train on test data? Purging CIFAR of near-duplicates.
        arXiv 1902.00423.
    """

    def __init__(
        self, *, threshold: float = 0.1, tolerated: float = 0.02, items: int = 2000
    ) -> None:
        self.threshold, self.items = threshold, items
        self.claim = Claim(
            name="no-duplicates",
            cost=f"distances of {items} data, at most, from all training data",
            sentence="The data of the audit are not among the training data.",
            kind="data",
            effect=f"share of the data that are within {threshold:g} of the usual distance between "
            "neighbours of a training datum",
            tolerance=Tolerance(
                at_most=tolerated,
                reason="one in fifty moves no average by much; it takes 183 data to show it",
            ),
            remedy="Split by what the data come from (patient, plate, scene) and not by row: "
            "geolatent.data.split_by_indices; drop the duplicates.",
            minimum_sample=100,
        )

    @override
    def measure(self, subject: Subject) -> Measurement | NotApplicable:
        if subject.training is None or subject.data is None:
            return NotApplicable("No training data were given (training=...).", lacking="training")
        training = subject.training.flatten(1).double()
        rows = subject.sample(self.claim.name, self.items)
        data = subject.data[rows.to(subject.data.device)].flatten(1).to(training)
        _, repeats = subject.data.flatten(1).unique(dim=0, return_counts=True)
        if 2 * int(repeats[repeats > 1].sum()) > len(subject.data):
            return NotApplicable(
                "Most data have an equal among themselves: equal ones are no leak."
            )
        training = training.unique(dim=0)  # what is there twice has no neighbour at distance zero
        some = torch.randperm(len(training), generator=subject.generator(self.claim.name))
        some = some[:_SPACING_FROM].to(training.device)
        if len(training) > 1:
            # Rank 2: the nearest datum to a datum is itself.
            spacing = nearest_distance(training[some], training, rank=2).median()
            near = (nearest_distance(data, training) / spacing).cpu().numpy()
        else:
            near = np.where((data == training).all(1).cpu().numpy(), 0.0, np.inf)
        count = int((near < self.threshold).sum())
        codes = subject.codes[rows.to(subject.codes.device)].unsqueeze(1)
        return Measurement(
            effect=count / len(near),
            interval=share_interval(count, len(near)),
            sample=len(near),
            items=Items(
                codes.double().cpu().numpy(), np.asarray(near), worse=-1, limit=self.threshold
            ),
            details={"nearest, in usual distances": float(near.min())},
        )
