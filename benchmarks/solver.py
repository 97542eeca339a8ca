"""The one interface behind which every method is run, ours and theirs."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from scipy.interpolate import CubicSpline
from torch import Tensor, nn

Curves = Callable[[Float[np.ndarray, "s"]], Float[np.ndarray, "b s d"]]
"""Codes of b curves at any times in [0, 1]; called outside the clock."""


class Solver(ABC):
    """A method with its settings.

    Attributes:
        name: in the tables.
        family: methods that differ only in accuracy; one line in the plots.
        one_by_one: solve pairs one after the other instead of as one batch; those that did not
            fit into the time limit are left out.
        pairs: at most so many; the time is scaled to 100.
        seconds: CPU time after which it is stopped.
        unconverged: of the curves of the last call those that it says are none of its results; 0
            of a method that does not tell.
    """

    def __init__(
        self,
        name: str,
        *,
        family: str | None = None,
        one_by_one: bool = False,
        pairs: int = 10**9,
        seconds: float = 600,
    ) -> None:
        self.name = name
        self.family = family or name
        self.one_by_one = one_by_one
        self.pairs = pairs
        self.seconds = seconds
        self.unconverged = 0

    @abstractmethod
    def solve(
        self, decoder: nn.Module, start: Float[Tensor, "b d"], end: Float[Tensor, "b d"]
    ) -> Curves:
        """Join the pairs, from the straight line if the method needs a start.

        A curve that could not be found is NaN; an exception fails them all.
        """


def through_nodes(nodes: Float[Tensor, "b t d"]) -> Curves:
    """Not-a-knot cubic splines through nodes at equal times; NaN where a node is not finite."""
    values = nodes.detach().cpu().numpy().astype(np.float64)
    finite = np.isfinite(values).all(axis=(1, 2))
    times = np.linspace(0, 1, values.shape[1])
    spline = CubicSpline(times, np.where(finite[:, None, None], values, 0), axis=1)

    def curves(t: Float[np.ndarray, "s"]) -> Float[np.ndarray, "b s d"]:
        return np.where(finite[:, None, None], spline(t), np.nan)

    return curves


def straight_nodes(
    start: Float[Tensor, "b d"], end: Float[Tensor, "b d"], segments: int
) -> Float[Tensor, "b t d"]:
    """`segments + 1` nodes at equal times on the straight lines."""
    t = torch.linspace(0, 1, segments + 1, dtype=start.dtype)[:, None]
    return torch.lerp(start[:, None], end[:, None], t)
