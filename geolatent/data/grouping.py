"""A second classification of the items of a data set."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Int
from torch import Tensor


@final
@dataclass(frozen=True, eq=False)
class Grouping:
    """Which of several groups every item belongs to.

    Args:
        codes: group of every item, 0 to len(names) - 1, shape (n,).
        names: the name of every group.

    Raises:
        ValueError: a code has no name.
    """

    codes: Int[Tensor, " n"]
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check that every code has a name."""
        if not len(self.codes):
            return
        low, high = (int(end) for end in torch.aminmax(self.codes))
        if low < 0 or high >= len(self.names):
            raise ValueError(
                f"group codes go from {low} to {high}, but there are {len(self.names)} names: "
                "code k is called names[k]."
            )
