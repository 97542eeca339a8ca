import torch

from geolatent.networks import LogCounts


def test_counts_become_logarithms_that_know_zero():
    x = torch.tensor([[0.0, 1.0, 999.0]])
    torch.testing.assert_close(LogCounts()(x).exp(), x + 1)
