import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas
import pytest
import torch

import geolatent
from geolatent.latents import EuclideanSpace
from geolatent.training import Callback, Checkpoints, TrainingConfig, fit, load_checkpoint

SCRIPT = Path(__file__).with_name("killed_run.py")


def exit_codes(*runs):
    """Of runs of the script one after the other, and what they said."""
    path = str(Path(geolatent.__file__).parents[1])
    process = subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, runs)],
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "PYTORCH_JIT": "0"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return [int(line) for line in process.stdout.split()], process.stderr


def equal(one, other):
    """Whether two checkpoints hold the same in every bit, but for the time it took."""
    histories = [[{**row, "seconds": 0} for row in c.values["history"]] for c in (one, other)]
    same = [one.values[key] == other.values[key] for key in one.values if key != "history"]
    return (
        histories[0] == histories[1]
        and all(same)
        and one.tensors.keys() == other.tensors.keys()
        and all(torch.equal(one.tensors[name], other.tensors[name]) for name in one.tensors)
    )


@pytest.mark.slow
def test_killed_runs_end_with_the_same_bits(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    # At the end of an epoch, and within.
    kills = [killed, "main 3", killed, "main 4 5", killed, "uncertainty 1 3", killed, "never"]
    codes, said = exit_codes(whole, "never", *kills)
    assert codes == [0, *[-signal.SIGKILL] * 3, 0], said
    for name in ("last.safetensors", "best.safetensors"):
        whole = load_checkpoint(tmp_path / "whole" / name)
        assert equal(load_checkpoint(tmp_path / "killed" / name), whole)
    logs = [pandas.read_csv(tmp_path / name / "log.csv") for name in ("whole", "killed")]
    logs = [log.drop(columns="seconds") for log in logs]
    pandas.testing.assert_frame_equal(*logs, check_exact=True)
    assert logs[0].epoch.tolist() == [1, 2, 3, 4, 5, 6, 1, 2, 3, 4]


class Interrupt(Callback):
    def __init__(self, stage, epoch):
        self.when = stage, epoch

    def on_epoch_end(self, run, record):
        if (record.stage, record.epoch) == self.when:
            raise KeyboardInterrupt


CONFIG = TrainingConfig(epochs=6, batch_size=16, uncertainty_epochs=5, learning_rate=0.01)


def interrupted(model, parts, folder, stage, epoch, config=CONFIG):
    callbacks = [Checkpoints(folder, every=1), Interrupt(stage, epoch)]
    with pytest.raises(KeyboardInterrupt):
        fit(model, parts, config, directory=folder, callbacks=callbacks)


def weights(model):
    return torch.cat([tensor.double().flatten() for tensor in model.state_dict().values()])


@pytest.mark.parametrize(
    ("stage", "epoch"), [("main", 1), ("main", 6), ("uncertainty", 1), ("uncertainty", 5)]
)
def test_an_interrupted_run_ends_as_if_it_had_not_been(make_model, parts, tmp_path, stage, epoch):
    whole = make_model(uncertain=True)
    expected = fit(whole, parts, CONFIG)
    interrupted(make_model(uncertain=True), parts, tmp_path, stage, epoch)
    model = make_model(uncertain=True, weights_seed=9)  # its own weights do not matter
    found = fit(model, parts, CONFIG, directory=tmp_path, resume=True)
    assert torch.equal(weights(model), weights(whole))
    assert found.stages == expected.stages
    assert [r.validation_loss for r in found.history] == [
        r.validation_loss for r in expected.history
    ]


def test_a_run_can_be_made_longer(make_model, parts, tmp_path):
    long = TrainingConfig(epochs=9, batch_size=16)
    short = TrainingConfig(epochs=4, batch_size=16)
    whole, model = make_model(), make_model()
    fit(whole, parts, long)
    fit(model, parts, short, directory=tmp_path)
    fit(model, parts, long, directory=tmp_path, resume=True)
    assert torch.equal(weights(model), weights(whole))


def test_a_finished_run_is_not_trained_again(make_model, parts, tmp_path):
    config = TrainingConfig(epochs=4, batch_size=16)
    model = make_model()
    first = fit(model, parts, config, directory=tmp_path)
    again = make_model(weights_seed=3)
    assert fit(again, parts, config, directory=tmp_path, resume=True).history == first.history
    assert torch.equal(weights(model), weights(again))


def test_the_best_weights_of_before_are_not_forgotten(make_model, parts, tmp_path, monkeypatch):
    losses = iter([3.0, 1.0, 2.0, 2.0, 2.0, 2.0, 2.0])
    module = sys.modules["geolatent.training.fit"]
    monkeypatch.setattr(module, "evaluate_terms", lambda *_, **__: (-next(losses), 0.0))
    whole = make_model()
    fit(whole, parts, TrainingConfig(**{**CONFIG.as_dict(), "epochs": 2}))
    losses = iter([3.0, 1.0, 2.0, 2.0, 2.0, 2.0, 2.0])
    interrupted(make_model(), parts, tmp_path, "main", 4)
    model = make_model(weights_seed=3)
    result = fit(model, parts, CONFIG, directory=tmp_path, resume=True)
    assert (result.best_epoch, result.best_value) == (2, 1.0)
    assert torch.equal(weights(model), weights(whole))


def test_nothing_to_resume_is_a_beginning(make_model, parts, tmp_path):
    assert len(fit(make_model(), parts, CONFIG, directory=tmp_path, resume=True).history) == 6


def test_a_folder_with_a_run_is_not_overwritten_by_accident(make_model, parts, tmp_path):
    fit(make_model(), parts, CONFIG, directory=tmp_path)
    before = (tmp_path / "last.safetensors").read_bytes()
    with pytest.raises(FileExistsError, match=r"resume=True.*overwrite=True"):
        fit(make_model(), parts, CONFIG, directory=tmp_path)
    assert (tmp_path / "last.safetensors").read_bytes() == before
    other = TrainingConfig(epochs=2, batch_size=8)
    fit(make_model(), parts, other, directory=tmp_path, overwrite=True)
    assert load_checkpoint(tmp_path / "last.safetensors").values["epoch"] == 2


def test_another_run_is_not_resumed(make_model, parts, tmp_path):
    fit(make_model(), parts, CONFIG, directory=tmp_path)

    def resume(model, data, **options):
        config = TrainingConfig(**{**CONFIG.as_dict(), **options})
        fit(model, data, config, directory=tmp_path, resume=True)

    with pytest.raises(ValueError, match=r"batch_size \(16 there, 8 now\), seed \(0 there, 1 now"):
        resume(make_model(), parts, batch_size=8, seed=1)
    with pytest.raises(ValueError, match=r"epochs \(6 there, 5 now\)"):
        resume(make_model(), parts, epochs=5)
    with pytest.raises(ValueError, match="other data"):
        resume(make_model(), (parts[0] + 1e-6, parts[1]))
    with pytest.raises(ValueError, match=r"missing: decoder\.log_scale"):
        resume(make_model(uncertain=True), parts)
    wider = make_model()
    wider.latent = EuclideanSpace(2, prior_scale=2.0)
    with pytest.raises(ValueError, match=r"latent\.prior_scale \(\[1\.0, 1\.0\] there, \[2\.0"):
        resume(wider, parts)


def test_a_main_stage_that_is_over_is_not_made_longer(make_model, parts, tmp_path):
    fit(make_model(uncertain=True), parts, CONFIG, directory=tmp_path)
    longer = TrainingConfig(**{**CONFIG.as_dict(), "epochs": 10})
    with pytest.raises(ValueError, match=r"epochs \(6 there, 10 now\)"):
        fit(make_model(uncertain=True), parts, longer, directory=tmp_path, resume=True)


def test_a_truncated_checkpoint_is_not_resumed(make_model, parts, tmp_path):
    fit(make_model(), parts, CONFIG, directory=tmp_path)
    path = tmp_path / "last.safetensors"
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(ValueError, match=r"truncated or damaged.*best\.safetensors"):
        fit(make_model(), parts, CONFIG, directory=tmp_path, resume=True)


def test_resume_needs_a_folder_and_excludes_overwrite(make_model, parts, tmp_path):
    with pytest.raises(ValueError, match="needs the directory"):
        fit(make_model(), parts, CONFIG, resume=True)
    with pytest.raises(ValueError, match="exclude each other"):
        fit(make_model(), parts, CONFIG, directory=tmp_path, resume=True, overwrite=True)
