"""Intervals of means."""

import math

import numpy as np
from jaxtyping import Float

from geolatent.assumptions.verdict import Interval


def mean_interval(values: Float[np.ndarray, "n"], *, level: float = 0.95) -> Interval:
    """Student's interval of the mean of independent values.

    Fewer than two values, or one that is not finite, say nothing of the mean: NaN.
    """
    if len(values) < 2 or not np.isfinite(values).all():
        return math.nan, math.nan
    from scipy.stats import t  # slow to import

    error = float(values.std(ddof=1)) / math.sqrt(len(values))
    half = float(t.ppf((1 + level) / 2, len(values) - 1)) * error
    return float(values.mean()) - half, float(values.mean()) + half
