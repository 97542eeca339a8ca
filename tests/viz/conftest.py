import matplotlib
import pytest
import torch

from geolatent.interpolation import compare


@pytest.fixture(autouse=True)
def settings_left_alone():
    """No figure may change matplotlib's parameters, not even those that a caller has set."""
    matplotlib.rcParams["lines.linewidth"] = 7.25
    before = dict(matplotlib.rcParams)
    yield
    after = dict(matplotlib.rcParams)
    matplotlib.rcdefaults()
    assert after == before


def bowl(z):
    """A surface on which straight lines bend."""
    return torch.cat([z, 1.5 * z.square().sum(-1, keepdim=True)], dim=-1)


@pytest.fixture
def codes():
    return torch.randn(40, 2, dtype=torch.float64)


@pytest.fixture
def comparison(codes):
    return compare(bowl, codes[:8], codes[8:16], data=bowl(codes))


@pytest.fixture
def decoder():
    return bowl
