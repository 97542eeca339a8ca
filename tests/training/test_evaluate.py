import math
import sys

import pytest
import torch

from geolatent.models import elbo, iwae
from geolatent.training import evaluate


def test_every_item_has_the_same_weight(make_model, parts, monkeypatch):
    # The log likelihood is the first feature, without any draw: batches must not matter.
    def terms(model, x):
        found = elbo(model, x)
        return found._replace(log_likelihood=-9 - x[:, 0].abs())

    monkeypatch.setattr(sys.modules["geolatent.training.evaluate"], "elbo", terms)
    expected = -9 - float(parts[0][:, 0].abs().double().mean())
    for size in (1, 16, 49, 50, 64):
        found = evaluate(make_model(), parts[0], batch_size=size, samples=2).log_likelihood
        assert math.isclose(found, expected, rel_tol=1e-6)


def test_it_is_deterministic_and_leaves_random_state_and_mode_alone(make_model, parts):
    model = make_model()
    model.encoder.eval()
    before = torch.get_rng_state()
    first = evaluate(model, parts[1], samples=3, importance_samples=4, seed=5)
    torch.rand(3)
    assert evaluate(model, parts[1], samples=3, importance_samples=4, seed=5) == first
    assert evaluate(model, parts[1], samples=3, importance_samples=4, seed=6) != first
    torch.set_rng_state(before)
    evaluate(model, parts[1])
    assert torch.equal(before, torch.get_rng_state())
    assert model.training
    assert not model.encoder.training


def test_the_terms_are_those_of_the_bound(make_model, parts):
    model = make_model().eval()
    found = evaluate(model, parts[1], samples=400, importance_samples=500)
    with torch.no_grad():
        kl = float(elbo(model, parts[1]).kl.mean())
        importance = float(iwae(model, parts[1], samples=500).mean())
        draws = torch.stack([elbo(model, parts[1]).log_likelihood.mean() for _ in range(400)])
    # The error of the difference of two means of 400 draws.
    error = float(draws.std()) / math.sqrt(200)
    assert math.isclose(found.kl, kl, rel_tol=1e-5)
    assert abs(found.log_likelihood - float(draws.mean())) < 5 * error
    assert found.elbo == found.log_likelihood - found.kl
    assert found.loss(0.5) == 0.5 * found.kl - found.log_likelihood
    assert found.iwae is not None
    assert abs(found.iwae - importance) < 0.05
    assert found.iwae > found.elbo
    assert (found.items, found.samples) == (20, 400)


def test_a_likelihood_above_its_own_bound_fails(make_model, parts, monkeypatch):
    model = make_model()
    low = evaluate(model, parts[1]).log_likelihood
    monkeypatch.setattr(model.likelihood, "floor", lambda x: x.new_full((len(x),), 1 - low))
    with pytest.raises(ArithmeticError, match="Gaussian likelihood can give"):
        evaluate(model, parts[1])


@pytest.mark.parametrize("option", ["samples", "batch_size", "chunk"])
def test_numbers_out_of_range_are_refused(make_model, parts, option):
    with pytest.raises(ValueError, match=f"{option}=0"):
        evaluate(make_model(), parts[1], **{option: 0})


def test_data_that_do_not_fit_are_refused(make_model, parts):
    with pytest.raises(ValueError, match=r"data have shape \(20, 5\).*items of shape \(6,\)"):
        evaluate(make_model(), parts[1][:, :5])
    data = parts[1].clone()
    data[3, 2] = math.nan
    with pytest.raises(ValueError, match=r"1 NaN.*\(row 3, column 2\)"):
        evaluate(make_model(), data)
