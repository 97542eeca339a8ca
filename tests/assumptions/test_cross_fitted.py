"""What a classifier learns from more data, where its learning curve is known."""

import numpy as np
import pytest

from geolatent.assumptions.cross_fitted import cross_fitted_recalls, shortfall, skill


@pytest.mark.parametrize("rate", [0.0, 3.0])
def test_the_end_of_a_curve_that_falls_as_one_over_n(rate):
    size, best = 100, 0.7
    of_five, of_two = (best - rate / (share * size) for share in (4 / 5, 1 / 2))
    assert of_five + shortfall(of_five, of_two) == pytest.approx(best)
    assert shortfall(of_two, of_five) == 0  # nothing is taken off


def test_a_skill_of_few_data_falls_short_of_that_of_many():
    """Two normals in twenty dimensions: the best skill is 2 Φ(δ / 2) − 1."""
    rng = np.random.default_rng(0)

    def skills(count):
        y = np.repeat([0, 1], count // 2)
        x = rng.normal(size=(count, 20))
        x[:, 0] += 1.5 * y
        return [skill(cross_fitted_recalls(x, y, seed=0, folds=folds)) for folds in (5, 2)]

    found, extended = [], []
    for _ in range(10):
        of_five, of_two = skills(100)
        found.append(of_five)
        extended.append(of_five + shortfall(of_five, of_two))
    best = 0.5467  # Φ(0.75) = 0.77337
    assert np.mean(found) < best - 0.05
    assert np.mean(extended) > np.mean(found) + 0.03
