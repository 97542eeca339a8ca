"""Subjects in which it is known what an audit should find."""

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, final

from geolatent.assumptions import Assumption, Subject

Side = Literal["true", "edge", "false"]

_EDGE = 0.03  # of the tolerance: nearer than this, neither verdict is right or wrong


@final
@dataclass(frozen=True, kw_only=True)
class Simulation:
    """A population of subjects with a known effect.

    Attributes:
        assumption: what is tested on them.
        family: what they are, with the number that the effect depends on.
        effect: of the population, in the claim's unit.
        draw: the subject with a seed; other seeds, independent ones.
        known: details that a measurement states with bounds (`"x, low"`, `"x, high"`), and what
            they should be.
        exact: whether the effect is known, and not only on which side of the tolerance it is.
        blind: why the estimator cannot see this effect, where that is documented; empty if it can.
    """

    assumption: Assumption
    family: str
    effect: float
    draw: Callable[[int], Subject]
    known: Mapping[str, float] = field(default_factory=dict)
    exact: bool = True
    blind: str = ""

    @property
    def name(self) -> str:
        """Of the claim."""
        return self.assumption.claim.name

    @property
    def side(self) -> Side:
        """Whether the claim is true of the population, false, or at the edge of its tolerance."""
        tolerance = self.assumption.claim.tolerance
        if abs(self.effect - self.edge) <= _EDGE * abs(self.edge):
            return "edge"
        return "true" if tolerance.at_least < self.effect < tolerance.at_most else "false"

    @property
    def edge(self) -> float:
        """The edge of the tolerance that is nearer to the effect."""
        tolerance = self.assumption.claim.tolerance
        edges = [e for e in (tolerance.at_least, tolerance.at_most) if math.isfinite(e)]
        return min(edges, key=lambda edge: abs(edge - self.effect))

    def seed(self, draw: int) -> int:
        """Of a draw; other families have others."""
        digest = hashlib.sha256(f"{self.name}: {self.family}: {draw}".encode()).digest()
        return int.from_bytes(digest[:4], "big")
