"""How well a variance is known."""

import numpy as np
from jaxtyping import Float


def log_variance_error(values: Float[np.ndarray, "n *b"]) -> Float[np.ndarray, "*b"]:
    r"""Standard error of the logarithm of the variance of each column.

    .. math:: \sqrt{\frac{κ - 1}{n}}

    with the kurtosis κ (3 for normal values), by the delta method. The logarithm is nearer to
    normal than the variance is. A column that never changes has no kurtosis and the error 0.

    Args:
        values: finite, independent rows.
    """
    from scipy.stats import kurtosis  # slow to import

    constant = np.ptp(values, axis=0) == 0
    safe = np.where(constant, np.arange(len(values)).reshape(-1, *[1] * (values.ndim - 1)), values)
    tails = kurtosis(safe, axis=0, fisher=False)
    return np.where(constant, 0.0, np.sqrt(np.maximum(tails - 1, 0) / len(values)))
