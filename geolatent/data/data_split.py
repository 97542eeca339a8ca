"""The split of a data set into training, validation and test parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from geolatent.data.data_set import DataSet
from geolatent.data.scaling import Scaling, ScalingKind, fit_scaling


@dataclass(frozen=True, kw_only=True, eq=False)
class DataSplit:
    """A data set, three disjoint sets of its rows, and a scaling fitted on the first.

    Args:
        data_set: the data in their own units.
        train_indices: rows to train on, shape (a,).
        validation_indices: rows for early stopping and choosing a model, shape (b,), may be empty.
        test_indices: rows for the final numbers only, shape (c,), may be empty.
        scaling: what is done to the data before a model sees them.
    """

    data_set: DataSet
    train_indices: Int[Tensor, " a"]
    validation_indices: Int[Tensor, " b"]
    test_indices: Int[Tensor, " c"]
    scaling: Scaling

    @property
    def name(self) -> str:
        """Name of the data set."""
        return self.data_set.name

    @property
    def width(self) -> int:
        """How many features an item has, p."""
        return self.data_set.data.shape[1]

    @cached_property
    def train(self) -> Float[Tensor, "a p"]:
        """The scaled training data."""
        return self._part(self.train_indices)

    @cached_property
    def validation(self) -> Float[Tensor, "b p"]:
        """The scaled validation data."""
        return self._part(self.validation_indices)

    @cached_property
    def test(self) -> Float[Tensor, "c p"]:
        """The scaled test data."""
        return self._part(self.test_indices)

    @property
    def train_labels(self) -> Int[Tensor, " a"] | None:
        """The classes of the training data."""
        return self._labels(self.train_indices)

    @property
    def validation_labels(self) -> Int[Tensor, " b"] | None:
        """The classes of the validation data."""
        return self._labels(self.validation_indices)

    @property
    def test_labels(self) -> Int[Tensor, " c"] | None:
        """The classes of the test data."""
        return self._labels(self.test_indices)

    @property
    def train_nuisance(self) -> dict[str, Tensor]:
        """What the training data should not tell."""
        return self._nuisance(self.train_indices)

    @property
    def validation_nuisance(self) -> dict[str, Tensor]:
        """What the validation data should not tell."""
        return self._nuisance(self.validation_indices)

    @property
    def test_nuisance(self) -> dict[str, Tensor]:
        """What the test data should not tell."""
        return self._nuisance(self.test_indices)

    def _nuisance(self, indices: Tensor) -> dict[str, Tensor]:
        return {name: values[indices] for name, values in self.data_set.nuisance.items()}

    def _part(self, indices: Tensor) -> Tensor:
        return self.scaling.forward(self.data_set.data[indices])

    def _labels(self, indices: Tensor) -> Tensor | None:
        labels = self.data_set.labels
        return None if labels is None else labels[indices]


def split(
    data_set: DataSet,
    *,
    validation: float = 0.15,
    test: float = 0.15,
    seed: int = 0,
    stratified: bool = True,
    scaling: ScalingKind = "none",
) -> DataSplit:
    """Split at random, the same way for the same seed.

    With labels every class is spread evenly: item i of the n_c items of a class, in random order,
    gets the rank (i + 1/2) / n_c, and the parts are cut from the ranks of all classes together. So
    the totals are exact and the share of a class in a part is right to within one item.

    Args:
        data_set: what to split.
        validation: share of the items for validation, in [0, 1).
        test: share of the items for testing, in [0, 1).
        seed: which of the splits.
        stratified: spread the classes evenly, if there are labels.
        scaling: 'none', 'minmax' or 'standardise', fitted on the training part: one scale for all
            pixels of an image, one for each feature of anything else.

    Returns:
        The split; indices are sorted within each part.

    Raises:
        ValueError: a share is out of range, or leaves nothing to train on.
    """
    for field, share in (("validation", validation), ("test", test)):
        if not 0 <= share < 1:
            raise ValueError(f"{field}={share} is not a share of the data: give 0 <= share < 1.")
    items = len(data_set.data)
    # Not round(): a share that is asked for is never silently empty, if there are items for it.
    tests, validations = (
        max(int(share * items + 0.5), 1 if share > 0 else 0) for share in (test, validation)
    )
    if tests + validations >= items:
        raise ValueError(
            f"validation={validation} and test={test} of {items} items leave none to train on."
        )
    random = np.random.default_rng(seed)
    order = random.permutation(items)
    if stratified and data_set.labels is not None:
        labels = data_set.labels.cpu().numpy()[order]
        rank = np.empty(items)
        for label in np.unique(labels):
            members = np.flatnonzero(labels == label)
            rank[members] = (np.arange(len(members)) + 0.5) / len(members)
        order = order[np.argsort(rank, kind="stable")]
    return split_by_indices(
        data_set,
        train=np.sort(order[tests + validations :]),
        validation=np.sort(order[tests : tests + validations]),
        test=np.sort(order[:tests]),
        scaling=scaling,
    )


def split_by_indices(
    data_set: DataSet,
    *,
    train: Sequence[int] | np.ndarray | Tensor,
    validation: Sequence[int] | np.ndarray | Tensor = (),
    test: Sequence[int] | np.ndarray | Tensor = (),
    scaling: ScalingKind = "none",
) -> DataSplit:
    """Split by given rows, for example by patient or by hospital.

    Args:
        data_set: what to split.
        train: rows to train on, at least one.
        validation: rows for early stopping and choosing a model.
        test: rows for the final numbers.
        scaling: as for `split`.

    Returns:
        The split, with the rows in the given order.

    Raises:
        ValueError: there is nothing to train on, or a row is out of range or used twice.
    """
    items = len(data_set.data)
    parts = {
        name: torch.as_tensor(rows, dtype=torch.int64).clone()
        for name, rows in (("train", train), ("validation", validation), ("test", test))
    }
    for name, rows in parts.items():
        outside = rows[(rows < 0) | (rows >= items)]
        if len(outside):
            raise ValueError(
                f"{name}: {len(outside)} rows are out of range, the first is {int(outside[0])}; "
                f"{data_set.name} has rows 0 to {items - 1}."
            )
    if len(parts["train"]) == 0:
        raise ValueError("train: there are no rows to train on.")
    rows, counts = torch.cat(list(parts.values())).unique(return_counts=True)
    twice = rows[counts > 1]
    if len(twice):
        where = [name for name, part in parts.items() if bool((part == twice[0]).any())]
        raise ValueError(
            f"{len(twice)} rows are used more than once, the first is {int(twice[0])}, in "
            f"{' and '.join(where)}: the parts must be disjoint."
        )
    fitted = fit_scaling(
        scaling, data_set.data[parts["train"]], shared=data_set.image_shape is not None
    )
    return DataSplit(
        data_set=data_set,
        train_indices=parts["train"],
        validation_indices=parts["validation"],
        test_indices=parts["test"],
        scaling=fitted,
    )
