"""A data set and what is known about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod

import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.data.grouping import Grouping
from geolatent.data.label_tree import LabelTree


@dataclass(frozen=True, kw_only=True, eq=False)
class DataSet:
    """Items as rows of numbers, with what is known about them.

    Args:
        name: short name, used in titles and file names.
        data: the items, shape (n, p).
        labels: class of every item, 0 to len(label_names) - 1, shape (n,), or None.
        label_names: the name of every class; empty without labels.
        label_tree: how the classes descend from each other, if that is known.
        groups: further classifications of all items by name (donor, scanner, cell line).
        nuisance: what the data should not tell, such as the site, by name, shape (n,) each.
        value_range: bounds that the values cannot leave by construction, not the observed ones.
        image_shape: shape of one item if it is an image, with product p.
        feature_names: the names of the p columns, or empty.
        source: where the data come from, in one sentence.
        licence: under which terms, in one sentence.

    Raises:
        ValueError: the parts do not fit together.
    """

    name: str
    data: Float[Tensor, "n p"]
    labels: Tensor | None = None
    label_names: tuple[str, ...] = ()
    nuisance: Mapping[str, Tensor] = field(default_factory=dict)
    label_tree: LabelTree | None = None
    groups: Mapping[str, Grouping] = field(default_factory=dict)
    value_range: tuple[float, float] | None = None
    image_shape: tuple[int, ...] | None = None
    feature_names: tuple[str, ...] = ()
    source: str = "unknown"
    licence: str = "unknown"

    def __post_init__(self) -> None:
        """Check that the parts fit together."""
        items, width = self.data.shape
        if self.image_shape is not None and prod(self.image_shape) != width:
            raise ValueError(
                f"{self.name}: image_shape {self.image_shape} has {prod(self.image_shape)} pixels, "
                f"but the data have shape {(items, width)}."
            )
        if self.feature_names and len(self.feature_names) != width:
            raise ValueError(
                f"{self.name}: {len(self.feature_names)} feature names for {width} features."
            )
        if self.value_range is not None:
            self._check_range(self.value_range)
        for name, grouping in self.groups.items():
            if len(grouping.codes) != items:
                raise ValueError(
                    f"{self.name}: the grouping {name!r} is of {len(grouping.codes)} items, but "
                    f"there are {items}."
                )
        if self.label_tree is not None:
            self.label_tree.distances(self.label_names)  # raises if one is not in it
        for name, values in self.nuisance.items():
            if tuple(values.shape) != (items,):
                raise ValueError(
                    f"{self.name}: nuisance {name!r} has shape {tuple(values.shape)}, expected "
                    f"({items},)."
                )
        if self.labels is None:
            return
        if tuple(self.labels.shape) != (items,):
            raise ValueError(
                f"{self.name}: labels have shape {tuple(self.labels.shape)}, expected ({items},)."
            )
        low, high = torch.aminmax(self.labels)
        if int(low) < 0 or int(high) >= len(self.label_names):
            raise ValueError(
                f"{self.name}: labels go from {int(low)} to {int(high)}, but there are "
                f"{len(self.label_names)} label names: label k is called label_names[k]."
            )

    def _check_range(self, value_range: tuple[float, float]) -> None:
        """Check that no value leaves the declared bounds."""
        low, high = (float(bound) for bound in torch.aminmax(self.data))
        if low < value_range[0] or high > value_range[1]:
            raise ValueError(
                f"{self.name}: values from {low:g} to {high:g} leave the declared value_range "
                f"{value_range}."
            )
