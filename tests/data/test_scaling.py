import pytest
import torch

from geolatent.data.scaling import fit_scaling

TRAIN = torch.tensor([[0.0, 10.0, 0.1], [2.0, 30.0, 0.1], [4.0, 20.0, 0.1]])


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("kind", ["none", "minmax", "standardise"])
def test_the_inverse_is_one(kind, shared):
    scaling = fit_scaling(kind, TRAIN, shared=shared)
    x = 5 * torch.randn(7, 3)
    assert torch.allclose(scaling.inverse(scaling.forward(x)), x, atol=1e-5)


def test_minmax_of_features():
    y = fit_scaling("minmax", TRAIN, shared=False).forward(TRAIN)
    assert y[:, :2].tolist() == [[0, 0], [0.5, 1], [1, 0.5]]


def test_standardised_features():
    y = fit_scaling("standardise", TRAIN, shared=False).forward(TRAIN)[:, :2].double()
    assert torch.allclose(y.mean(0), torch.zeros(2).double(), atol=1e-6)
    assert torch.allclose(y.std(0, correction=0), torch.ones(2).double(), atol=1e-6)


def test_pixels_share_one_scale():
    y = fit_scaling("minmax", TRAIN, shared=True).forward(TRAIN)
    assert torch.allclose(y, TRAIN / 30)


def test_a_constant_feature_keeps_its_unit():
    # In floating point the deviation of the constant 0.1 need not be zero.
    for kind in ("minmax", "standardise"):
        scaling = fit_scaling(kind, TRAIN, shared=False)
        assert scaling.scale[2] == 1
        assert scaling.forward(TRAIN)[:, 2].abs().max() < 1e-6


def test_an_unknown_kind_is_refused():
    with pytest.raises(Exception, match="robust"):
        fit_scaling("robust", TRAIN, shared=False)
