"""How much straight lines are longer than geodesics, over many pairs."""

from dataclasses import asdict, dataclass
from typing import final

import numpy as np
from jaxtyping import Float
from scipy.stats import bootstrap
from torch import Tensor

from geolatent.interpolation.share_interval import share_interval

Interval = tuple[float, float]


@final
@dataclass(frozen=True)
class Bend:
    """The excess length of straight lines, summarised over pairs.

    Excess is length(straight) / length(geodesic) − 1: 0 where the flat assumption holds. Geodesics
    here are local minima, so where shorter ones exist the excess is a lower bound.

    Attributes:
        pairs: how many pairs were measured.
        failed: how many more had no finite length or no converged geodesic; not in the rest.
        median: of the excess, with its 95 % bootstrap interval.
        median_interval: see `median`.
        ninetieth_percentile: of the excess.
        greatest: of the excess.
        threshold: the excess from which a pair counts as bent.
        share: fraction of the pairs above the threshold, with its exact 95 % interval
            (Clopper-Pearson).
        share_interval: see `share`.
    """

    pairs: int
    failed: int
    median: float
    median_interval: Interval
    ninetieth_percentile: float
    greatest: float
    threshold: float
    share: float
    share_interval: Interval

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)

    def __str__(self) -> str:
        low, high = self.share_interval
        return (
            f"straight lines are {self.median:.1%} longer than geodesics in the median "
            f"(95 % interval {self.median_interval[0]:.1%} to {self.median_interval[1]:.1%}) "
            f"and more than {self.threshold:.0%} longer for {self.share:.0%} of {self.pairs} pairs "
            f"({low:.0%} to {high:.0%})"
            + (f"; {self.failed} pairs could not be measured" if self.failed else "")
        )


def summarise_bend(excess: Float[Tensor, "b"], *, threshold: float = 0.05, seed: int = 0) -> Bend:
    """Summarise the excess lengths of pairs with disjoint ends; NaN marks a failed pair.

    Raises:
        ValueError: there is no pair.
    """
    values = excess.detach().cpu().double().numpy()
    if not values.size:
        raise ValueError("there are no pairs to summarise.")
    good = values[np.isfinite(values)]
    nan = float("nan")
    if not good.size:
        empty = (nan, nan)
        return Bend(0, values.size, nan, empty, nan, nan, threshold, nan, empty)
    bent = int((good > threshold).sum())
    return Bend(
        pairs=good.size,
        failed=values.size - good.size,
        median=float(np.median(good)),
        median_interval=_median_interval(good, seed),
        ninetieth_percentile=float(np.percentile(good, 90)),
        greatest=float(good.max()),
        threshold=threshold,
        share=bent / good.size,
        share_interval=share_interval(bent, good.size),
    )


def _median_interval(values: np.ndarray, seed: int) -> Interval:
    if values.size < 2 or np.ptp(values) == 0:
        return float(values.min()), float(values.max())
    interval = bootstrap(
        (values,), np.median, method="percentile", n_resamples=2000, rng=seed
    ).confidence_interval
    return float(interval.low), float(interval.high)
