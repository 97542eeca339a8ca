"""The runs that a design asks for."""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Int


@final
@dataclass(frozen=True)
class Step:
    """Two runs that differ in one choice.

    Attributes:
        before: row of the plan.
        after: row of the plan.
        factor: number of the factor.
    """

    before: int
    after: int
    factor: int


@final
@dataclass(frozen=True)
class Plan:
    """Runs as rows, in the order of their design.

    Attributes:
        levels: of each factor, by number, `(n, k)`; rows may be equal.
        steps: the pairs of runs that differ in one choice.
        block: rows that count only together; indices leave a block out if one of them failed.
    """

    levels: Int[np.ndarray, "n k"]
    steps: tuple[Step, ...]
    block: int = 1

    def whole(self, values: Float[np.ndarray, "n"]) -> np.ndarray:
        """Rows of the blocks in which every value is finite, as a mask."""
        blocks = np.isfinite(values).reshape(-1, self.block).all(1)
        return np.repeat(blocks, self.block)
