"""Intervals of quantiles."""

import math

import numpy as np
from jaxtyping import Float

from geolatent.assumptions.verdict import Interval


def quantile_interval(
    values: Float[np.ndarray, "b"], quantile: float = 0.5, *, failed: int = 0
) -> Interval:
    """Exact 95 % interval of a quantile, by order statistics.

    Items that could not be measured count as the least for the lower bound and as the greatest for
    the upper one. Where there are too few items for a bound, it is infinite: a median has none with
    fewer than six.

    Args:
        values: finite.
        quantile: between 0 and 1; the median by default.
        failed: items that could not be measured.

    References:
        Conover, W. J. (1999). Practical nonparametric statistics, 3rd edition, section 3.2.
    """
    from scipy.stats import binom  # slow to import

    count = len(values) + failed
    # At most so many values are below the quantile in 2.5 and in 97.5 % of the samples.
    below, above = (int(binom.ppf(level, count, quantile)) for level in (0.025, 0.975))
    unknown = np.full(failed, np.inf)
    low, high = np.sort([*-unknown, *values]), np.sort([*values, *unknown])
    return (
        float(low[below - 1]) if below >= 1 else -math.inf,
        float(high[above]) if above < count else math.inf,
    )
