import math

import pytest
import torch

from geolatent.models import elbo
from geolatent.training import NonFiniteError, TrainingConfig, fit


def config(**options):
    return TrainingConfig(**{"epochs": 2, "patience": None, "batch_size": 16, **options})


def test_the_last_batch_counts_by_its_items(make_model, parts, monkeypatch):
    # A term that is 0 for 49 rows and 50 for one: its mean over 50 rows is 1, wherever it lies.
    train = parts[0].clone()
    train[:, 0] = 0
    train[13, 0] = 50

    def terms(model, x):
        found = elbo(model, x)
        return found._replace(log_likelihood=x[:, 0] + 0 * found.log_likelihood)

    monkeypatch.setattr("geolatent.training.train_epoch.elbo", terms)
    for seed in range(12):  # in some of them the row lies in the last batch, of two
        result = fit(make_model(), train, config(seed=seed))
        for record in result.history:
            assert math.isclose(record.train_log_likelihood, 1, rel_tol=1e-6)
        assert [record.step for record in result.history] == [4, 8]


def test_every_item_is_seen_once_an_epoch_in_an_order_of_its_own(make_model, parts, monkeypatch):
    seen = []

    def watched(model, x):
        seen.append(x.clone())
        return elbo(model, x)

    monkeypatch.setattr("geolatent.training.train_epoch.elbo", watched)
    fit(make_model(), parts[0], config())
    assert [len(batch) for batch in seen] == [16, 16, 16, 2] * 2
    first, second = torch.cat(seen[:4]), torch.cat(seen[4:])
    assert not torch.equal(first, second)
    for epoch in (first, second):
        assert torch.equal(epoch.sort(dim=0).values, parts[0].sort(dim=0).values)


def test_the_gradient_is_that_of_the_mean_over_the_batch(make_model, parts):
    # One step of plain Adam moves every weight by the learning rate, whatever the scale of the
    # loss; with a large epsilon in the form of clipping the scale shows.
    steps = []
    for copies in (1, 2):
        model = make_model()
        before = torch.nn.utils.parameters_to_vector(model.parameters()).detach().clone()
        train = parts[0][:8].repeat(copies, 1)
        fit(model, train, config(epochs=1, clip_norm=1e-9, batch_size=16))
        after = torch.nn.utils.parameters_to_vector(model.parameters()).detach()
        steps.append((after - before).norm())
    assert steps[0] < 0.5 * 1e-3 * math.sqrt(before.numel())
    assert math.isclose(float(steps[0]), float(steps[1]), rel_tol=0.2)


@pytest.mark.parametrize(
    ("term", "value"),
    [("log_likelihood", math.inf), ("log_likelihood", math.nan), ("kl", math.inf)],
)
def test_a_term_that_is_not_finite_is_named_with_its_step(
    make_model, parts, monkeypatch, tmp_path, term, value
):
    calls = []

    def terms(model, x):
        calls.append(1)
        found = elbo(model, x)
        if len(calls) != 4 + 3:
            return found
        return found._replace(**{term: getattr(found, term) + value})

    monkeypatch.setattr("geolatent.training.train_epoch.elbo", terms)
    name = term.replace("_", " ").replace("kl", "KL")
    expected = f"The {name} is not finite at step 7, in epoch 2 of stage 'main'.*clip_norm"
    with pytest.raises(NonFiniteError, match=expected) as caught:
        fit(make_model(), parts, config(), directory=tmp_path)
    assert (caught.value.term, caught.value.epoch, caught.value.step) == (name, 2, 7)
    assert f"{tmp_path / 'last.safetensors'}, of epoch 1" in str(caught.value)


def test_a_gradient_that_is_not_finite_is_recognised_in_the_last_step(
    make_model, parts, monkeypatch
):
    def terms(model, x):
        found = elbo(model, x)
        if len(x) != 2:
            return found
        root = (found.kl - found.kl.detach()).abs().sqrt()  # zero, with an infinite slope
        return found._replace(kl=found.kl + root)

    monkeypatch.setattr("geolatent.training.train_epoch.elbo", terms)
    with pytest.raises(NonFiniteError, match=r"gradient .* at step 4.*No checkpoint was written"):
        fit(make_model(), parts[0], config())


def test_a_complaint_of_a_distribution_is_traced_to_its_cause(make_model, parts, monkeypatch):
    def terms(model, x):
        found = elbo(model, x)
        if not found.kl.isfinite().all():
            raise ValueError("Expected parameter loc to satisfy the constraint Real()")
        return found._replace(kl=found.kl * (1 if len(x) == 16 else math.nan))

    monkeypatch.setattr("geolatent.training.train_epoch.elbo", terms)
    with pytest.raises(NonFiniteError, match="KL is not finite at step 4") as caught:
        fit(make_model(), parts[0], config())
    assert caught.value.__cause__ is None  # the epoch was over before anyone complained
    monkeypatch.setattr("geolatent.training.train_epoch.elbo", _complaining)
    with pytest.raises(NonFiniteError, match="gradient") as caught:
        fit(make_model(), parts[0], config())
    assert isinstance(caught.value.__cause__, ValueError)


def _complaining(model, x):
    found = elbo(model, x)
    if not found.log_likelihood.isfinite().all():
        raise ValueError("Expected parameter loc to satisfy the constraint Real()")
    root = (found.kl - found.kl.detach()).abs().sqrt()
    return found._replace(kl=found.kl + root)


def test_other_errors_are_not_disguised(make_model, parts, monkeypatch):
    def terms(model, x):
        raise ValueError("something else")

    monkeypatch.setattr("geolatent.training.train_epoch.elbo", terms)
    with pytest.raises(ValueError, match="something else"):
        fit(make_model(), parts[0], config())
