"""Intervals against samples of known distribution."""

import math

import numpy as np
import pytest

from geolatent.assumptions.combined_interval import combined_interval
from geolatent.assumptions.log_variance_error import log_variance_error
from geolatent.assumptions.quantile_interval import quantile_interval


@pytest.mark.parametrize(("quantile", "count"), [(0.5, 30), (0.95, 200), (0.1, 60)])
def test_quantiles_are_covered(quantile, count):
    rng = np.random.default_rng(0)
    intervals = [quantile_interval(rng.uniform(size=count), quantile) for _ in range(400)]
    assert np.mean([low > quantile for low, _ in intervals]) <= 0.05
    assert np.mean([high < quantile for _, high in intervals]) <= 0.05


def test_few_items_and_failed_ones_bound_less():
    values = np.arange(40.0)
    low, high = quantile_interval(values)
    wider = quantile_interval(values, failed=10)
    assert wider[0] < low
    assert wider[1] > high
    assert quantile_interval(values[:4]) == (-math.inf, math.inf)
    # The greatest of twenty is no upper bound of the 95 % quantile.
    assert quantile_interval(values[:20], 0.95)[1] == math.inf


def test_errors_of_independent_parts_add_in_squares():
    assert combined_interval(1.0, (0.7, 1.3), (0.6, 1.0)) == pytest.approx((0.5, 1.3))
    assert combined_interval(0.2, (0.1, 0.4)) == pytest.approx((0.1, 0.4))
    assert combined_interval(0.2, (0.1, 0.4), (-math.inf, 0.2))[0] == -math.inf
    assert all(map(math.isnan, combined_interval(math.nan, (0.0, 1.0))))


@pytest.mark.parametrize("tails", ["uniform", "normal", "laplace"])
def test_the_error_of_a_variance_is_what_it_scatters_by(tails):
    samples = getattr(np.random.default_rng(0), tails)(size=(400, 500))
    scattered = np.log(samples.var(0, ddof=1)).std()
    assert log_variance_error(samples).mean() == pytest.approx(scattered, rel=0.12)
    assert log_variance_error(samples[:, 0]).shape == ()


def test_a_constant_has_no_error():
    columns = np.stack([np.ones(50), np.arange(50.0)], 1)
    constant, other = log_variance_error(columns)
    assert constant == 0
    assert other > 0
