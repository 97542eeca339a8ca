import math

import numpy as np
import pytest
from scipy.stats import wilcoxon

from geolatent.interpolation import paired_effect


def test_numbers_by_hand():
    effect = paired_effect(np.array([-0.2, 0.1, 0.4, 0.3, np.nan]), matters=0.25)
    assert (effect.pairs, effect.failed) == (4, 1)
    assert effect.difference == pytest.approx(0.2)
    assert effect.d_z == pytest.approx(0.15 / np.std([-0.2, 0.1, 0.4, 0.3], ddof=1))
    assert effect.rank_biserial == pytest.approx((1 + 4 + 3 - 2) / 10)
    assert effect.share == 0.5
    assert effect.share_low == pytest.approx(0.0676, abs=1e-4)  # 2 in 4, exact
    assert effect.share_high == pytest.approx(0.9324, abs=1e-4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_vote_of_ten_is_a_tenth_at_every_level(dtype):
    votes = np.arange(11, dtype=dtype) / dtype(10)
    steps = votes[1:] - votes[:-1]
    assert len(set((steps > dtype(0.1)).tolist())) == 2, "rounding puts them on both sides"
    assert paired_effect(steps, matters=0.10).share == 0
    assert paired_effect(votes[2:] - votes[:-2], matters=0.10).share == 1


def test_rank_biserial_is_that_of_the_signed_rank_test():
    values = np.random.default_rng(0).normal(0.3, 1, size=40)
    total = 40 * 41 / 2
    least = wilcoxon(values).statistic  # the smaller of both rank sums
    effect = paired_effect(values, matters=1e-6)
    assert abs(effect.rank_biserial) == pytest.approx((total - 2 * least) / total)


def test_the_interval_covers_the_median_and_is_that_of_its_seed():
    generator = np.random.default_rng(1)
    covered = 0
    for _ in range(100):
        effect = paired_effect(generator.exponential(size=60), matters=1e-3, resamples=300)
        covered += effect.low <= math.log(2) <= effect.high
    assert covered >= 88
    values = generator.normal(size=30)
    first, same, other = (
        paired_effect(values, matters=0.1, resamples=50, seed=seed) for seed in (1, 1, 2)
    )
    assert first == same
    assert (first.low, first.high) != (other.low, other.high)


def test_rounding_is_no_effect():
    effect = paired_effect(np.full(50, 1e-7), matters=0.05)
    assert (effect.difference, effect.low, effect.high) == (0, 0, 0)
    assert effect.d_z == effect.rank_biserial == 0
    assert effect.verdict == "same"
    large = paired_effect(np.full(50, 0.125), matters=0.05)
    assert large.d_z == math.inf
    assert large.verdict == "differs"


@pytest.mark.parametrize(
    ("beyond", "pairs", "failed", "verdict"),
    [
        (0, 36, 0, "same"),  # at most 9.7 %
        (0, 34, 0, "undecided"),  # at most 10.3 %
        (0, 36, 1, "undecided"),  # the failed pair might be beyond
        (19, 100, 0, "differs"),  # at least 11.8 %
        (16, 100, 0, "undecided"),  # 9.4 % to 24.7 %
        (17, 100, 0, "differs"),  # at least 10.2 %
        (17, 100, 5, "undecided"),  # and 9.7 % if the failed ones are not beyond
        (0, 0, 5, "undecided"),
    ],
)
def test_a_verdict_needs_the_whole_interval(beyond, pairs, failed, verdict):
    values = np.concatenate([np.ones(beyond), np.zeros(pairs - beyond), np.full(failed, np.nan)])
    assert paired_effect(values, matters=0.5).verdict == verdict
