"""Samples per CPU second of several training loops, interleaved."""

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import final

from jaxtyping import Float
from torch import Tensor
from training_loop import TrainingLoop


@final
@dataclass
class Throughput:
    """What came out of a loop.

    Attributes:
        name: of the loop.
        dim: of its codes.
        samples: in an epoch.
        rounds: CPU seconds of an epoch, the mean of all but the first one, in each round.
        failure: why there are none.
    """

    name: str
    dim: int
    samples: int
    rounds: list[float] = field(default_factory=list)
    failure: str | None = None

    @property
    def per_second(self) -> float | None:
        """Samples per CPU second in the round that others disturbed least."""
        return None if self.failure or not self.rounds else self.samples / min(self.rounds)

    @property
    def slowest(self) -> float | None:
        """The same in the round that they disturbed most."""
        return None if self.failure or not self.rounds else self.samples / max(self.rounds)


def measure(
    loops: Sequence[TrainingLoop],
    data: Float[Tensor, "n 784"],
    *,
    epochs: int,
    rounds: int,
    report: Callable[[str], None],
) -> list[Throughput]:
    """Train every loop in every round: a slow minute of the machine hits all of them.

    Args:
        loops: in the order of the table; what one raises becomes its result.
        data: what is trained on.
        epochs: beyond the first one, which pays for all that happens once.
        rounds: of which the best is taken.
        report: gets a line after every round.

    Returns:
        One result for each loop.
    """
    results = [Throughput(loop.name, loop.dim, len(data)) for loop in loops]
    for number in range(rounds):
        for loop, result in zip(loops, results, strict=True):
            if result.failure is not None:
                continue
            marks: list[float] = []
            gc.collect()
            try:
                loop.train(data, 1 + epochs, partial(_mark, marks))
            except ImportError as error:
                result.failure = f"not installed ({error})"
            except Exception as error:  # whatever a peer raises is its result
                result.failure = f"{type(error).__name__}: {error}".splitlines()[0]
            else:
                result.rounds.append((marks[-1] - marks[0]) / epochs)
        report(f"round {number + 1} of {rounds}")
    return results


def _mark(marks: list[float]) -> None:
    marks.append(time.process_time())
