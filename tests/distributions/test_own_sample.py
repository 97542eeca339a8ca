"""What a distribution remembers of its own sample must not outlive it."""

import pytest
import torch

from geolatent.distributions import RiemannianNormal, WrappedNormal
from geolatent.distributions.product_distribution import ProductDistribution
from geolatent.manifolds import Lorentz


def distributions():
    manifold = Lorentz(2)
    origin = manifold.origin(like=torch.zeros(1)).expand(5, -1)
    wrapped = WrappedNormal(manifold, None, torch.ones(5, 2))
    return {
        "Riemannian": RiemannianNormal(manifold, origin, torch.ones(5)),
        "wrapped": wrapped,
        "product": ProductDistribution([wrapped, WrappedNormal(manifold, None, torch.ones(5, 2))]),
    }


@pytest.mark.parametrize("name", ["Riemannian", "wrapped", "product"])
@pytest.mark.parametrize("inference", [False, True])
def test_a_sample_that_is_written_to_is_another(name, inference):
    drawn_from = distributions()[name]
    with torch.inference_mode(inference):
        x, y = drawn_from.sample(), drawn_from.sample()
        z = drawn_from.sample()
        torch.testing.assert_close(drawn_from.log_prob(z), drawn_from.log_prob(z.clone()))
        if not inference:  # inference tensors do not count what is written to them
            z.copy_(y)
            assert torch.equal(drawn_from.log_prob(z), drawn_from.log_prob(y))
        assert not torch.equal(x, y)


@pytest.mark.parametrize("name", ["Riemannian", "wrapped", "product"])
def test_a_sample_has_a_score(name):
    drawn_from = distributions()[name]
    own = drawn_from.sample().requires_grad_()
    (score,) = torch.autograd.grad(drawn_from.log_prob(own).sum(), own)
    other = own.detach().clone().requires_grad_()
    (expected,) = torch.autograd.grad(drawn_from.log_prob(other).sum(), other)
    assert score.abs().max() > 0
    torch.testing.assert_close(score, expected)
