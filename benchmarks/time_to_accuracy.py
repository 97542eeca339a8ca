"""How much sooner we are where another solver ends."""

from collections.abc import Callable

import numpy as np
from engine import DOUBLE, FAMILY
from jaxtyping import Float
from result import Result

Statistic = Callable[[Float[np.ndarray, "b"]], np.floating]

ROUNDING = 1e-9
"""Excess energies below this are equal: the evaluator's and the ends' rounding."""


def ours(results: list[Result]) -> list[Result]:
    """Our own settings among the results, those that gave curves."""
    families = (FAMILY, DOUBLE)
    return [r for r in results if r.family in families and r.seconds is not None]


def seconds_to(results: list[Result], level: float) -> float | None:
    """Least CPU seconds for 100 curves in which any of the results has such a mean excess."""
    times = [r.seconds for r in results if r.seconds is not None and r.mean <= level]
    return min(times, default=None)


def seconds_to_match(
    results: list[Result], peer: Result, *, of: Statistic = np.mean
) -> float | None:
    """Our least time to the mean excess of a peer, over the pairs that the peer solved.

    Args:
        results: of the case, ours among them.
        peer: to be matched.
        of: the excess energies, what is compared. A mean is ruled by the worst curves, a median
            forgets them.
    """
    found = np.isfinite(peer.excess)
    if not found.any():
        return None
    level = max(float(of(peer.excess[found])), ROUNDING)
    best = None
    for own in ours(results):
        shared = own.excess[: len(found)][found]
        if np.isfinite(shared).all() and of(shared) <= level and own.seconds is not None:
            best = own.seconds if best is None else min(best, own.seconds)
    return best
