"""A piece of a surface on which codes lie, and what is true of pairs of them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.networks import MeasuredSurface

_PAIRS = 20_000  # a share of 0.1 of them is known to 0.002, a tenth of what an audit of 200 knows
_SEED = 20_261_127
_NODES = 20  # of Gauss' quadrature along a straight line
_STEP = 1e-5  # of central differences, in float64


@final
@dataclass(frozen=True)
class Patch:
    """Codes on a surface whose distances have a closed form.

    Nothing here uses a geodesic solver: what an audit finds is judged against something else.

    Attributes:
        surface: decodes them.
        place: from independent uniform numbers in [0, 1], `(n, 2)`, to codes.
    """

    surface: MeasuredSurface
    place: Callable[[Tensor], Tensor]

    def codes(self, count: int, generator: torch.Generator) -> Float[Tensor, "count 2"]:
        """Random codes, float64."""
        return self.place(torch.rand(count, 2, generator=generator, dtype=torch.float64))

    @cached_property
    def _pairs(self) -> tuple[Tensor, Tensor]:
        # The same random numbers for every patch: effects move only with what the patch is.
        drawn = self.codes(2 * _PAIRS, torch.Generator().manual_seed(_SEED))
        return drawn[:_PAIRS], drawn[_PAIRS:]

    @cached_property
    def distances(self) -> Float[Tensor, "b"]:
        """Geodesic distances of many random pairs."""
        return self.surface.distance(*self._pairs)

    def median_distance(self) -> float:
        """Of two random codes."""
        return float(self.distances.median())

    def median_side(self) -> float:
        """A third of the median perimeter of three random codes."""
        start, end = self._pairs
        third = end.roll(1, 0)
        sides = self.distances + self.surface.distance(start, third)
        return float((sides + self.surface.distance(end, third)).median()) / 3

    def share_of_bent(self, threshold: float) -> float:
        """The share of pairs whose straight line is longer than the geodesic by more than this."""
        start, end = self._pairs
        excess = straight_length(self.surface, start, end) / self.distances - 1
        return float((excess > threshold).double().mean())

    def spread_of_ratios(self) -> float:
        """Standard deviation of the logarithm of geodesic over Euclidean distance."""
        start, end = self._pairs
        return float((self.distances / (start - end).norm(dim=1)).log().std())


def straight_length(
    surface: MeasuredSurface, start: Float[Tensor, "b 2"], end: Float[Tensor, "b 2"]
) -> Float[Tensor, "b"]:
    """Length of the decoded straight line, by Gauss' quadrature of its speed."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    total = torch.zeros_like(start[:, 0])
    for node, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
        ahead, behind = (
            surface(start + float(node + step) * (end - start)) for step in (_STEP, -_STEP)
        )
        total = total + float(weight) * (ahead - behind).norm(dim=1) / (2 * _STEP)
    return total
