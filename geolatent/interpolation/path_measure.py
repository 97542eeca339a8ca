"""The numbers that a path is reduced to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from geolatent.geodesics import Path
from geolatent.interpolation.profile import Profile

Scale = Literal["ratio", "difference", "spacings", "ends"]


@final
@dataclass(frozen=True)
class PathMeasure:
    """One number for each path, and how two paths are compared by it.

    Attributes:
        title: in words.
        value: of the paths of one kind, `(b,)`; `None` where it was not measured.
        scale: what a difference between two paths is: `"ratio"`, the logarithm of theirs, shown in
            percent; `"difference"`; `"spacings"`, in units of the spacing of the data; `"ends"`,
            in units of how far the decoded ends are apart (median over pairs).
        matters: from which difference on it matters; a ratio of 1 + this or its inverse.
        unit: of a difference, for tables.
    """

    title: str
    value: Callable[[Path, Profile], Float[Tensor, "b"] | None]
    scale: Scale
    matters: float
    unit: str = ""


def _greatest(values: Tensor | None) -> Tensor | None:
    return None if values is None else values.amax(1)


def _least(values: Tensor | None) -> Tensor | None:
    return None if values is None else values.amin(1)


def third_classes(probability: Float[Tensor, "b t c"]) -> Int[Tensor, "b"]:
    """How many classes are likeliest somewhere on the way, ahead of those of the ends.

    A class that ties with one of an end's is not crossed, and all that are likeliest at an end are
    classes of it: the count does not depend on how classes are numbered.
    """
    likeliest = probability == probability.amax(-1, keepdim=True)
    of_an_end = (likeliest[:, 0] | likeliest[:, -1]).unsqueeze(1)
    of_ends = probability.masked_fill(~of_an_end, -torch.inf).amax(-1, keepdim=True)
    return (likeliest & (probability > of_ends)).any(1).sum(1)


def greatest_fall(values: Float[Tensor, "b t"]) -> Float[Tensor, "b"]:
    """How far values fall from the highest before: 0 if and only if they never fall."""
    return (values.cummax(1).values - values).amax(1)


def _third_classes(path: Path, profile: Profile) -> Tensor | None:
    probability = profile.class_probability
    if probability is None:
        return None
    count = third_classes(probability).to(probability)
    return count.masked_fill(probability.isnan().any(2).any(1), torch.nan)


def _greatest_fall(path: Path, profile: Profile) -> Tensor | None:
    values = profile.end_class_probability
    return None if values is None else greatest_fall(values)


def _second_differences(path: Path, profile: Profile) -> Tensor | None:
    values = profile.acceleration
    return None if values is None else values.square().mean(1).sqrt()


MEASURES: Mapping[str, PathMeasure] = MappingProxyType(
    {
        "length": PathMeasure("length", lambda path, _: path.length, "ratio", 0.05),
        "energy": PathMeasure("energy", lambda path, _: path.energy, "ratio", 0.10),
        "speed_variation": PathMeasure(
            "speed variation", lambda path, _: path.speed_variation, "difference", 0.10
        ),
        "second_differences": PathMeasure(
            "second differences", _second_differences, "ends", 0.5, "ends"
        ),
        "greatest_distance_to_data": PathMeasure(
            "farthest from data",
            lambda _, profile: _greatest(profile.distance_to_data),
            "spacings",
            0.5,
            "spacing",
        ),
        "greatest_uncertainty": PathMeasure(
            "greatest uncertainty", lambda _, profile: _greatest(profile.uncertainty), "ratio", 0.10
        ),
        "greatest_cycle_error": PathMeasure(
            "greatest cycle error",
            lambda _, profile: _greatest(profile.cycle_error),
            "ends",
            0.05,
            "ends",
        ),
        "least_evidence_bound": PathMeasure(
            "least evidence bound",
            lambda _, profile: _least(profile.evidence_bound),
            "difference",
            1.0,
            "nats",
        ),
        "least_purity": PathMeasure(
            "least class purity", lambda _, profile: _least(profile.purity), "difference", 0.10
        ),
        "third_classes": PathMeasure("third classes crossed", _third_classes, "difference", 0.5),
        "greatest_fall": PathMeasure("fall of the end's class", _greatest_fall, "difference", 0.10),
    }
)
"""All of them, in the order of tables. Their names are the columns of `Comparison.to_frame`."""
