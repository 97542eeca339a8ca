"""A choice that could have been made otherwise."""

from dataclasses import dataclass
from typing import Any, final


@final
@dataclass(frozen=True)
class Factor:
    """A choice and what it could have been.

    Args:
        name: of the choice, a setting such as `train.beta`.
        levels: what it can be, in their order.
        ordered: whether the order means something; by default it does for numbers that rise or
            fall, unless the choice is a seed.

    Raises:
        ValueError: there are fewer than two levels, or one stands there twice.
    """

    name: str
    levels: tuple[Any, ...]
    ordered: bool | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "levels", tuple(self.levels))
        said = [str(level) for level in self.levels]
        if len(said) < 2:
            raise ValueError(
                f"{self.name} has the levels {said}: a factor needs at least two, for example "
                f"Factor({self.name!r}, (1, 2))."
            )
        if len(set(said)) < len(said):
            raise ValueError(f"{self.name} has a level twice: {', '.join(said)}.")
        if self.ordered is None:
            numbers = self.numbers()
            up = numbers is not None and numbers == sorted(numbers)
            down = numbers is not None and numbers == sorted(numbers, reverse=True)
            is_seed = self.name.rpartition(".")[2] == "seed"
            object.__setattr__(self, "ordered", (up or down) and not is_seed)

    def numbers(self) -> list[float] | None:
        """The levels as numbers; None if one is none."""
        try:
            return [float(level) for level in self.levels]
        except (TypeError, ValueError):
            return None

    def moved(self, before: int, after: int) -> float:
        """How far it is from one level to another, both by number.

        Of an ordered factor the share of its range, its levels being equally far apart; of another
        the whole of it between any two. Negative towards an earlier level.
        """
        return (after - before) / (len(self.levels) - 1 if self.ordered else abs(after - before))
