"""Intervals of effects that are uncertain for more than one reason."""

import math

from geolatent.assumptions.verdict import Interval


def combined_interval(effect: float, *intervals: Interval) -> Interval:
    r"""The interval of an effect from those that it has if only one of its parts is uncertain.

    .. math:: \hat θ - \sqrt{\textstyle\sum_k (\hat θ - l_k)^2}, \qquad
        \hat θ + \sqrt{\textstyle\sum_k (u_k - \hat θ)^2}

    Errors of independent parts add in squares, on either side by themselves, so that intervals
    may be skew. Where one part decides alone its own interval is left.

    Args:
        effect: as estimated; inside every interval.
        intervals: one for each part, 95 %.

    References:
        Zou, G. Y., Donner, A. (2008). Construction of confidence limits about effect measures: a
        general approach. Statistics in Medicine 27.
    """
    low = math.hypot(*(min(0.0, low - effect) for low, _ in intervals))
    high = math.hypot(*(max(0.0, high - effect) for _, high in intervals))
    return effect - low, effect + high
