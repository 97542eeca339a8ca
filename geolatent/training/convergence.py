"""Whether a training had stopped improving when it ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

_SHARE, _FEWEST = 0.25, 10  # of the epochs, at the end; and epochs, at least
_TOLERATED = 0.01  # of all that was gained


@final
@dataclass(frozen=True)
class Convergence:
    """A judgement and its reason.

    Attributes:
        converged: whether it had stopped improving.
        reason: a sentence.
    """

    converged: bool
    reason: str


def convergence(losses: Sequence[float], *, epochs: int | None = None) -> Convergence:
    r"""Judge a training by the loss that its best epoch was chosen by.

    .. math:: -\hat b_{97.5\%} \, w \le 0.01 \, (y_1 - \min y)

    b is the slope of a line through the last w epochs, a quarter of them and at least ten: as many
    epochs again would gain at most 1 % of all that was gained, with the upper end of the slope's
    95 % interval. The interval allows for the autocorrelation of the residuals at lag one. A
    training that stopped early, because its patience was spent, has converged.

    Args:
        losses: after each epoch, of the validation part or else of the training part.
        epochs: that were asked for; fewer losses mean that patience was spent.
    """
    count = len(losses)
    if epochs is not None and 0 < count < epochs:
        return Convergence(True, f"It stopped early, after {count} of {epochs} epochs.")
    window = max(_FEWEST, round(_SHARE * count))
    if count < 2 * window:
        return Convergence(False, f"{count} epochs are too few to tell, {2 * window} are needed.")
    y = np.asarray(losses, dtype=float)
    if not np.isfinite(y).all():
        return Convergence(False, "A loss is not finite.")
    further = window * -_least_slope(y[-window:])
    gained = y[0] - y.min()
    share = further / gained if gained > 0 else float(further > 0)
    said = (
        f"{window} more epochs would gain up to {max(share, 0):.1%} of all that was gained "
        f"({_TOLERATED:.0%} is tolerated)."
    )
    return Convergence(bool(share <= _TOLERATED), said)


def _least_slope(y: np.ndarray) -> float:
    """The lower end of the 95 % interval of the slope over successive values."""
    from scipy.stats import t  # slow to import

    x = np.arange(len(y)) - (len(y) - 1) / 2
    slope = float(x @ y / (x @ x))
    left = y - y.mean() - slope * x
    if not left.any():
        return slope
    lag = max(0.0, float(left[1:] @ left[:-1] / (left @ left)))
    # The number of independent values that these are worth (Bartlett 1946).
    worth = max(3.0, len(y) * (1 - lag) / (1 + lag))
    error = np.sqrt(left @ left / (worth - 2) / (x @ x) * len(y) / worth)
    return slope - float(t.ppf(0.975, worth - 2) * error)
