"""Shares of items and their intervals."""


def share_interval(count: int, total: int, *, failed: int = 0) -> tuple[float, float]:
    """Exact 95 % interval of a share (Clopper-Pearson).

    Items that could not be measured count as false for the lower bound and as true for the upper
    one, so that failing to measure never helps a verdict.

    Args:
        count: items for which it is true.
        total: items that were measured.
        failed: items that could not be.

    Raises:
        ValueError: there are no items, or more true ones than there are.
    """
    everything = total + failed
    if not 0 <= count <= total or everything < 1 or failed < 0:
        raise ValueError(f"{count} of {total} items, and {failed} failed, make no share.")
    from scipy.stats import binomtest  # slow to import

    low = binomtest(count, everything).proportion_ci(0.95, method="exact").low
    high = binomtest(count + failed, everything).proportion_ci(0.95, method="exact").high
    return float(low), float(high)
