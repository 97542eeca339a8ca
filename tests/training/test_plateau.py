"""Learning rates on plateaus, against torch's own rule."""

import pytest
import torch

from geolatent.training import Callback, TrainingConfig, fit
from geolatent.training.plateau import plateaus


@pytest.mark.parametrize("patience", [0, 1, 3])
def test_plateaus_are_those_of_torch(patience):
    generator = torch.Generator().manual_seed(patience)
    for _ in range(20):
        noise = torch.rand(60, generator=generator, dtype=torch.float64)
        losses = (1 + 3 * torch.exp(-torch.arange(60) / 8) + 0.02 * noise).tolist()
        parameter = torch.nn.Parameter(torch.zeros(1))
        optimizer = torch.optim.SGD([parameter], lr=1.0)
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer, factor=0.5, patience=patience, eps=0.0
        )
        for epoch, loss in enumerate(losses, start=1):
            scheduler.step(loss)
            count = plateaus(losses[:epoch], patience=patience)
            assert optimizer.param_groups[0]["lr"] == 0.5**count


def test_negative_losses_must_fall_as_well():
    assert plateaus([-10.0, -9.9999, -10.0001, -10.0002], patience=2) == 1
    assert plateaus([-10.0, -10.01, -10.02, -10.03], patience=2) == 0
    assert plateaus([], patience=0) == 0


def config(**options):
    chosen = {"epochs": 8, "patience": None, "batch_size": 16, "learning_rate": 0.1} | options
    return TrainingConfig(plateau_patience=1, **chosen)


def test_the_learning_rate_falls_and_moves_weights_less(make_model, parts):
    class Moved(Callback):
        def __init__(self):
            self.weights, self.steps = None, []

        def on_epoch_end(self, run, record):
            now = torch.cat([p.detach().flatten().clone() for p in run.model.parameters()])
            if self.weights is not None:
                self.steps.append(float((now - self.weights).norm()))
            self.weights = now

    moved = Moved()
    result = fit(make_model(), parts, config(epochs=16), callbacks=[moved])
    rates = [record.learning_rate for record in result.history]
    losses = [record.loss_at_beta for record in result.history]
    assert rates[0] == 0.1
    expected = [0.1 * 0.1 ** plateaus(losses[:epoch], patience=1) for epoch in range(16)]
    assert rates == pytest.approx(expected)
    assert rates[-1] < 0.02
    first = rates.index(rates[-1])
    assert max(moved.steps[first - 1 :]) < 0.5 * moved.steps[0]


def test_it_is_the_loss_at_the_weight_of_its_epoch(make_model, parts):
    """A KL weight that rises makes the full loss fall and the loss at the epoch's weight rise."""
    for data in (parts, parts[0]):
        result = fit(make_model(), data, config(kl_warmup=7))
        for record in result.history:
            if record.validation_kl is None:
                assert record.loss_at_beta == record.train_loss
            else:
                likelihood = record.validation_log_likelihood
                assert record.loss_at_beta == record.beta * record.validation_kl - likelihood
                assert (record.loss_at_beta == record.validation_loss) == (record.beta == 1)


def test_a_resumed_run_goes_on_at_the_same_rate(make_model, parts, tmp_path):
    class Stop(Callback):
        def on_epoch_end(self, run, record):
            if record.epoch == 6:
                raise KeyboardInterrupt

    whole = make_model()
    expected = fit(whole, parts, config())
    stopped = make_model()
    with pytest.raises(KeyboardInterrupt):
        fit(stopped, parts, config(), directory=tmp_path, callbacks=[Stop()])
    again = make_model()
    result = fit(again, parts, config(), directory=tmp_path, resume=True)
    assert [r.learning_rate for r in result.history] == [r.learning_rate for r in expected.history]
    for one, other in zip(whole.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)


def test_bad_patience_is_refused():
    with pytest.raises(ValueError, match="plateau_patience=-1 must be a whole number"):
        TrainingConfig(plateau_patience=-1)
