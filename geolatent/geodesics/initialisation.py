"""Where a solver starts from."""

from abc import ABC, abstractmethod
from typing import final

from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from geolatent.geodesics.measure import straight_points
from geolatent.metrics import Metric


class Initialisation(ABC):
    """A rule that joins codes by curves for a solver to start from.

    Energies have several minima, and a descent ends in the one that its start leads to.
    """

    @abstractmethod
    def __call__(
        self,
        metric: Metric,
        start: Float[Tensor, "b d"],
        end: Float[Tensor, "b d"],
        segments: int,
    ) -> Float[Tensor, "b t d"]:
        """Curves of `segments + 1` points each, from exactly `start` to exactly `end`."""


@final
class StraightLine(Initialisation):
    """z(t) = (1 − t) z₀ + t z₁."""

    @override
    def __call__(
        self,
        metric: Metric,
        start: Float[Tensor, "b d"],
        end: Float[Tensor, "b d"],
        segments: int,
    ) -> Float[Tensor, "b t d"]:
        return straight_points(start, end, segments)
