"""Class probabilities from labelled data."""

from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from geolatent.interpolation.nearest_data import NearestData

NEIGHBOURS = 10
"""Labelled data that a probability is the share of; it comes in steps of a tenth."""


@final
class NeighbourClassifier:
    r"""The share of each class among the nearest data.

    .. math:: \hat p(c | x) = \frac1k \sum_{i \in N_k(x)} 1[y_i = c]

    Args:
        data: what to look neighbours up in, m rows.
        labels: y, `(m,)`; the classes are their values in rising order.
        neighbours: k.

    Attributes:
        classes: the values of the labels, `(c,)`.

    Raises:
        ValueError: there is not one label for each datum, or fewer than one neighbour.
    """

    def __init__(
        self, data: NearestData, labels: Int[Tensor, "m"], *, neighbours: int = NEIGHBOURS
    ) -> None:
        if labels.shape != (len(data.data),):
            raise ValueError(
                f"{len(data.data)} data need one label each, got shape {tuple(labels.shape)}."
            )
        if neighbours < 1:
            raise ValueError(f"neighbours must be at least 1, got {neighbours}.")
        self.classes, self._index = labels.to(data.data.device).unique(return_inverse=True)
        self._data, self._neighbours = data, neighbours

    def __call__(self, x: Float[Tensor, "k p"]) -> Float[Tensor, "k c"]:
        """The probabilities."""
        _, near = self._data.neighbours(x, self._neighbours)
        votes = torch.nn.functional.one_hot(self._index[near], len(self.classes))
        return votes.to(x.dtype).mean(1)
