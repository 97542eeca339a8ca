"""Classes of codes, as maps colour and name them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

from jaxtyping import Int
from torch import Tensor

from geolatent.data import coded_labels


@final
@dataclass(frozen=True, eq=False)
class CodeClass:
    """Codes of one class.

    Attributes:
        number: the label itself where all labels are whole numbers from 0, so that a class has its
            colour on every map; else its place among the sorted names.
        name: to be written.
        rows: of the codes.
    """

    number: int
    name: str
    rows: Int[Tensor, " r"]


def code_classes(labels: Any, label_names: Sequence[str] | None, *, codes: int) -> list[CodeClass]:
    """The classes of codes.

    Args:
        labels: numbers or names in a tensor, an array or a list, one for each code.
        label_names: what to write for each number; the labels themselves if not given.
        codes: how many there are.

    Returns:
        The classes in rising order.

    Raises:
        ValueError: there is not one label for each code, some are missing or no classes, or there
            are fewer names than numbers.
    """
    index, values = coded_labels(labels, items=codes, name="labels of the codes")
    whole = all(value.isdecimal() for value in values)
    numbers = [int(value) if whole else place for place, value in enumerate(values)]
    if label_names is not None and max(numbers) >= len(label_names):
        raise ValueError(
            f"labels go to {max(numbers)} but there are {len(label_names)} names for them."
        )
    return [
        CodeClass(
            number=number,
            name=values[place] if label_names is None else label_names[number],
            rows=(index == place).nonzero().squeeze(1),
        )
        for place, number in enumerate(numbers)
    ]
