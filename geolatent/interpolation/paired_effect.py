"""What a path changes against another one, over pairs."""

import math
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from scipy.stats import rankdata

from geolatent.interpolation.share_interval import share_interval

TOLERATED_SHARE = 0.10
"""Of pairs for which a difference may matter: set beforehand, so that no result can move it."""

_RESOLUTION = 0.01  # of what matters; below are rounding and what a solver leaves
# Shares of ten neighbours differ by tenths, and a tenth is what matters: 0.9 − 0.8 and 0.6 − 0.5
# must be on one side of it, whatever float32 makes of either.
_ROUNDING = 1e-5

Verdict = Literal["same", "differs", "undecided"]


@final
@dataclass(frozen=True)
class PairedEffect:
    """Differences of one measure between two paths of the same pairs, ends disjoint.

    Attributes:
        pairs: with a finite difference.
        failed: without one; not in the numbers, but either way in the verdict.
        difference: median over the pairs.
        low: of its 95 % percentile-bootstrap interval.
        high: of the same.
        d_z: mean over standard deviation of the differences (paired Cohen's d).
        rank_biserial: (R₊ − R₋) / (R₊ + R₋) of the ranks of their sizes: from −1, all fall, to 1.
        matters: the size from which a difference matters.
        share: of pairs with a difference of more than that, either way; what is equal to it up to
            rounding is not more.
        share_low: of its exact 95 % interval (Clopper-Pearson).
        share_high: of the same.
        verdict: `"same"` if the whole interval of the share is below the tolerated tenth,
            `"differs"` if it is above, else `"undecided"`.

    References:
        Lakens, D. (2013). Calculating and reporting effect sizes. Frontiers in Psychology 4, 863.

        Kerby, D. S. (2014). The simple difference formula. Comprehensive Psychology 3, 1.
    """

    pairs: int
    failed: int
    difference: float
    low: float
    high: float
    d_z: float
    rank_biserial: float
    matters: float
    share: float
    share_low: float
    share_high: float
    verdict: Verdict


def paired_effect(
    differences: np.ndarray, *, matters: float, resamples: int = 2000, seed: int = 0
) -> PairedEffect:
    """Summarise paired differences; those that are not finite are failed pairs.

    Differences below a hundredth of what matters are counted as zero: they are rounding and what a
    solver leaves, and a bootstrap of them would find them significant.

    Args:
        differences: one for each pair.
        matters: the size from which a difference matters.
        resamples: of the bootstrap.
        seed: of the bootstrap: the same for all effects, so that they share their resamples.
    """
    good = differences[np.isfinite(differences)].astype(np.float64)
    failed = differences.size - good.size
    if not good.size:
        nan = math.nan
        return PairedEffect(
            0, failed, nan, nan, nan, nan, nan, matters, nan, nan, nan, verdict="undecided"
        )
    good = np.where(np.abs(good) < _RESOLUTION * matters, 0.0, good)
    beyond = int((np.abs(good) > matters * (1 + _ROUNDING)).sum())
    low, high = _median_interval(good, resamples, seed)
    share_low, share_high = share_interval(beyond, good.size)
    return PairedEffect(
        pairs=good.size,
        failed=failed,
        difference=float(np.median(good)),
        low=low,
        high=high,
        d_z=_d_z(good),
        rank_biserial=_rank_biserial(good),
        matters=matters,
        share=beyond / good.size,
        share_low=share_low,
        share_high=share_high,
        verdict=_verdict(beyond, good.size, failed),
    )


def _verdict(beyond: int, pairs: int, failed: int) -> Verdict:
    """Failed pairs might have been either."""
    low, high = share_interval(beyond, pairs, failed=failed)
    if high < TOLERATED_SHARE:
        return "same"
    return "differs" if low > TOLERATED_SHARE else "undecided"


def _median_interval(values: np.ndarray, resamples: int, seed: int) -> tuple[float, float]:
    rows = np.random.default_rng(seed).integers(values.size, size=(resamples, values.size))
    medians = np.median(values[rows], axis=1)
    low, high = np.quantile(medians, [0.025, 0.975])
    return float(low), float(high)


def _d_z(values: np.ndarray) -> float:
    if values.size < 2:
        return math.nan
    mean, deviation = float(values.mean()), float(values.std(ddof=1))
    if deviation == 0:
        return math.copysign(math.inf, mean) if mean else 0.0
    return mean / deviation


def _rank_biserial(values: np.ndarray) -> float:
    changed = values[values != 0]
    if not changed.size:
        return 0.0
    ranks = rankdata(np.abs(changed))
    return float((np.sign(changed) * ranks).sum() / ranks.sum())
