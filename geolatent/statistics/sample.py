"""Codes in groups, with weights: what every statistic is taken of."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from geolatent.geodesics.pairs import require_finite_rows
from geolatent.metrics.require_codes import require_floating


@final
@dataclass(frozen=True)
class Sample:
    """Codes, each in one group and with its share of the group.

    Attributes:
        points: codes, `(b, d)`.
        weight: shares, `(b,)`, not negative, that add up to one in every group.
        group: which group each code is in, `(b,)`, counted from 0.
        count: number of groups.
    """

    points: Float[Tensor, "b d"]
    weight: Float[Tensor, "b"]
    group: Int[Tensor, "b"]
    count: int

    def total(self, values: Float[Tensor, "b *k"]) -> Float[Tensor, "g *k"]:
        """Weighted sums over the groups; what has no weight does not count, even if it is NaN."""
        weight = self.weight.view(-1, *(1,) * (values.ndim - 1))
        weighted = torch.where(weight > 0, weight * values, 0)
        return group_sum(weighted, self.group, self.count)

    def effective_size(self) -> Float[Tensor, "g"]:
        """How many codes of equal weight are worth the same: 1 / Σ w²."""
        return 1 / group_sum(self.weight.square(), self.group, self.count)


def group_sum(
    values: Float[Tensor, "b *k"], group: Int[Tensor, "b"], count: int
) -> Float[Tensor, "g *k"]:
    """Sums over the rows of each group."""
    return values.new_zeros(count, *values.shape[1:]).index_add_(0, group, values)


def safe_ratio(
    numerator: Float[Tensor, "*b"], denominator: Float[Tensor, "*b"]
) -> Float[Tensor, "*b"]:
    """0 where both are, as for codes that are all the same."""
    ratio = numerator / torch.where(denominator != 0, denominator, 1)
    return torch.where((denominator == 0) & (numerator > 0), torch.inf, ratio)


def require_clusters(clusters: int, codes: int) -> None:
    """Raise `ValueError` unless there is a code for every cluster."""
    if not 1 <= clusters <= codes:
        raise ValueError(f"clusters must be between 1 and the {codes} codes, got {clusters}.")


def require_tensor(name: str, values: Tensor) -> None:
    """Raise `TypeError` unless the values are a tensor."""
    if isinstance(values, Tensor):
        return
    kinds = {type(value) for value in values} if isinstance(values, list | tuple) else set()
    names = str in kinds or getattr(getattr(values, "dtype", None), "kind", "") in ("O", "U", "S")
    way = f"numpy.unique({name}, return_inverse=True)[1]" if names else name
    raise TypeError(
        f"{name} must be a tensor, got {type(values).__name__}: torch.as_tensor({way})."
    )


def require_spread(sample: Sample) -> None:
    """Raise `ValueError` unless there are two different codes that count."""
    counted = sample.points[sample.weight > 0]
    if (counted == counted[0]).all():
        raise ValueError(
            f"all {len(counted)} codes that count are the same: nothing varies among them; it "
            "takes two different ones at least."
        )


def sample_of(
    points: Float[Tensor, "b d"],
    weights: Float[Tensor, "b"] | None = None,
    groups: Int[Tensor, "b"] | None = None,
) -> Sample:
    """Check codes, weights and groups, and make the weights of each group add up to one.

    Groups may have any whole numbers: they are counted from 0 in the order of those.

    Raises:
        TypeError: codes, weights or groups are no tensors.
        ValueError: there are no codes, a code or weight is not finite, a weight is negative, or a
            group has no weight.
    """
    require_floating("points", points)
    if points.ndim != 2 or not points.shape[0] or not points.shape[1]:
        raise ValueError(
            f"points must be codes (b, d), at least one of them, got shape {tuple(points.shape)}."
        )
    points = points.detach()
    require_finite_rows("points", points)
    weight = points.new_ones(len(points))
    if weights is not None:
        require_tensor("weights", weights)
        weight = weights.detach().to(points)
    group = torch.zeros(len(points), dtype=torch.long, device=points.device)
    if groups is not None:
        require_tensor("groups", groups)
        if groups.is_floating_point() or groups.is_complex():
            raise ValueError(f"groups must be whole numbers, got {groups.dtype}: groups.long().")
        group = groups.to(group)
    for name, values in (("weights", weight), ("groups", group)):
        if values.shape != points.shape[:1]:
            raise ValueError(
                f"{name} must be one for each of {len(points)} codes, got shape "
                f"{tuple(values.shape)}."
            )
    if not (weight.isfinite() & (weight >= 0)).all():
        raise ValueError("weights must be finite and not negative.")
    labels, group = group.unique(return_inverse=True)
    count = len(labels)
    total = group_sum(weight, group, count)
    empty = (total <= 0).nonzero().squeeze(1)
    if len(empty):
        raise ValueError(f"group {int(labels[empty[0]])} has no codes with a positive weight.")
    return Sample(points, weight / total[group], group, count)
