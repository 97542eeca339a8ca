"""Class probabilities from labelled data."""

from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.data import coded_labels
from geolatent.interpolation.nearest_data import NearestData

NEIGHBOURS = 10
"""Labelled data that a probability is the share of; it comes in steps of a tenth."""


@final
class NeighbourClassifier:
    r"""The share of each class among the nearest data.

    .. math:: \hat p(c | x) = \frac1k \sum_{i \in N_k(x)} 1[y_i = c]

    Args:
        data: what to look neighbours up in, m rows.
        labels: y, m numbers or names in a tensor, an array or a list; the classes are their values
            in rising order.
        neighbours: k.

    Attributes:
        classes: the values of the labels as text, c of them.

    Raises:
        ValueError: there is not one label for each datum, some are missing (NaN) or no classes, or
            there are fewer than one neighbour.
    """

    def __init__(self, data: NearestData, labels: Any, *, neighbours: int = NEIGHBOURS) -> None:
        if neighbours < 1:
            raise ValueError(f"neighbours must be at least 1, got {neighbours}.")
        index, self.classes = coded_labels(labels, items=len(data.data), name="labels of the data")
        self._index = index.to(data.data.device)
        self._data, self._neighbours = data, neighbours

    def __call__(self, x: Float[Tensor, "k p"]) -> Float[Tensor, "k c"]:
        """The probabilities."""
        _, near = self._data.neighbours(x, self._neighbours)
        votes = torch.nn.functional.one_hot(self._index[near], len(self.classes))
        return votes.to(x.dtype).mean(1)
