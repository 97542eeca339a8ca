import pytest
import torch

from geolatent.data import simulated_counts


def test_the_defaults_are_the_published_data():
    """Of the first five cells, as printed in the public notebook of FlatVI."""
    data = simulated_counts()
    assert data.train.shape == (1000, 10)
    assert data.train.dtype == torch.float32
    assert data.data_set.data[:5].tolist() == [
        [0, 0, 0, 0, 95, 0, 0, 0, 6, 5],
        [0, 1, 0, 0, 1, 2, 7, 2, 0, 0],
        [1, 1, 0, 0, 0, 0, 0, 0, 3, 2],
        [1, 2, 2, 1, 5, 1, 4, 0, 1, 3],
        [0, 3, 5, 2, 0, 2, 9, 0, 0, 28],
    ]
    assert len(data.validation) == len(data.test) == 0


def test_types_differ_by_a_factor_of_e():
    data = simulated_counts(cells=3000, genes=40, seed=1).data_set
    means = torch.stack([data.data[data.labels == k].mean() for k in range(3)])
    # exp(N(m, 1)) has mean exp(m + 1/2).
    torch.testing.assert_close(means, torch.tensor([1.5, 0.5, -0.5]).exp(), rtol=0.06, atol=0)


def test_the_callers_random_state_is_left_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, again = simulated_counts(cells=20), simulated_counts(cells=20)
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(first.train, again.train)
    assert not torch.equal(first.train, simulated_counts(cells=20, seed=1).train)


@pytest.mark.parametrize("options", [{"cells": 0}, {"genes": 0}])
def test_bad_numbers_are_refused(options):
    with pytest.raises(ValueError, match="must be at least 1"):
        simulated_counts(**options)
