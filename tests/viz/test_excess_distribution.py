import dataclasses

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from geolatent.viz import excess_distribution
from geolatent.viz.excess_distribution import survival


def parts(ax, gid):
    return [line for line in ax.get_lines() if line.get_gid() == gid]


def with_excess(comparison, excess):
    """The same pairs with given excess lengths."""
    geodesic = comparison.paths["geodesic"]
    changed = dataclasses.replace(
        geodesic,
        length=torch.ones(8).double(),
        straight_length=1 + torch.tensor(excess).double(),
        converged=torch.tensor(excess).isfinite(),
    )
    return dataclasses.replace(comparison, paths={**comparison.paths, "geodesic": changed})


NAN = float("nan")


def test_survival_counts_what_is_strictly_above():
    x, share = survival(torch.tensor([0.3, 0.1, NAN, 0.1, 0.2]))
    np.testing.assert_allclose(x[1:], [0.1, 0.1, 0.2, 0.3])
    np.testing.assert_allclose(share, [1, 0.75, 0.5, 0.25, 0])


def test_threshold_share_median_and_intervals(comparison):
    some = with_excess(comparison, [0.0, 0.01, 0.02, 0.03, 0.04, 0.06, 0.5, NAN])
    ax = excess_distribution(Figure().subplots(), {"one": some}, null=some)
    (threshold,) = parts(ax, "threshold")
    assert set(threshold.get_xdata()) == {0.05}
    bend = some.bend()
    assert bend.share == pytest.approx(2 / 7)
    assert parts(ax, "share")[0].get_ydata()[0] == bend.share
    assert tuple(parts(ax, "share-interval")[0].get_ydata()) == bend.share_interval
    assert tuple(parts(ax, "median-interval")[0].get_xdata()) == bend.median_interval
    assert parts(ax, "median")[0].get_xdata()[0] == pytest.approx(0.03)
    assert len(parts(ax, "survival")) == 2, "the model and the null"
    words = [text.get_text() for text in ax.get_legend().get_texts()]
    low, high = bend.share_interval
    assert "29% of 7 pairs bend by more than 5%" in words[0]
    assert f"({low:.0%} to {high:.0%})" in words[0]
    assert "1 more pairs failed" in words[0]
    assert words[1].startswith("null")


def test_nothing_measured_and_too_many(comparison):
    none = with_excess(comparison, [NAN] * 8)
    ax = excess_distribution(Figure().subplots(), {"none": none})
    assert "no pair could be measured" in ax.get_legend().get_texts()[0].get_text()
    with pytest.raises(ValueError, match="between 1 and 4"):
        excess_distribution(Figure().subplots(), {str(i): none for i in range(5)})
