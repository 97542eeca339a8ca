"""Intervals by resampling."""

from collections.abc import Callable
from typing import Any

import numpy as np

from geolatent.assumptions.verdict import Interval

_RESAMPLES = 1000


def bootstrap_interval(statistic: Callable[..., Any], *samples: np.ndarray, seed: int) -> Interval:
    """95 % percentile bootstrap of a statistic of items that were drawn independently.

    Args:
        statistic: of the samples; called on resampled rows, the same rows of each.
        samples: arrays of equal length, an item a row.
        seed: of the resampling.

    Raises:
        ValueError: the samples have no rows or not equally many.
    """
    count = len(samples[0])
    if not count or any(len(sample) != count for sample in samples):
        raise ValueError(f"samples need equally many rows, got {[len(s) for s in samples]}.")
    rng = np.random.default_rng(seed)
    values = np.array(
        [
            statistic(*(sample[rows] for sample in samples))
            for rows in (rng.integers(0, count, count) for _ in range(_RESAMPLES))
        ],
        dtype=float,
    )
    low, high = np.nanquantile(values, [0.025, 0.975])
    return float(low), float(high)
