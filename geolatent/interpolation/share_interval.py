"""Exact intervals of shares."""

from scipy.stats import binomtest


def share_interval(some: int, total: int) -> tuple[float, float]:
    """95 % interval of a share of independent items (Clopper and Pearson 1934), `total` above 0."""
    interval = binomtest(some, total).proportion_ci(0.95, method="exact")
    return float(interval.low), float(interval.high)
