import math

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

from geolatent.numerics.safe_norm import safe_norm


def test_the_norm_is_the_norm_with_its_derivatives():
    x = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(safe_norm(x), x.norm(dim=-1))
    assert gradcheck(safe_norm, x)
    assert gradgradcheck(safe_norm, x)


def test_the_norm_has_gradient_zero_at_zero_in_both_modes():
    x = torch.zeros(2, 3, requires_grad=True)
    norm = safe_norm(x)
    norm.sum().backward()
    assert torch.equal(norm, torch.zeros(2))
    assert torch.equal(x.grad, torch.zeros(2, 3))
    _, tangent = torch.func.jvp(safe_norm, (torch.zeros(3),), (torch.ones(3),))
    assert tangent == 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_norm_spans_the_whole_dtype(dtype):
    limits = torch.finfo(dtype)
    for size in [4 * limits.tiny, limits.max / 8]:
        x = torch.tensor([3.0, 4.0], dtype=dtype) * size
        x.requires_grad_()
        norm = safe_norm(x)
        norm.backward()
        assert float(norm.detach()) == pytest.approx(5 * size, rel=4 * limits.eps)
        torch.testing.assert_close(x.grad, torch.tensor([0.6, 0.8], dtype=dtype))


def test_nothing_invalid_is_hidden():
    x = torch.tensor([[math.nan, 1.0], [math.inf, 1.0], [3.0, 4.0]])
    result = safe_norm(x)
    assert torch.isnan(result[0])
    assert torch.isinf(result[1])
    assert torch.isfinite(result[2])
