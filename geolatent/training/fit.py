"""The training loop."""

import math
import time
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from geolatent.data import DataSplit
from geolatent.models import VAE
from geolatent.training.callback import Callback
from geolatent.training.checkpoint_file import load_checkpoint
from geolatent.training.checkpoints import BEST, LAST, Checkpoints
from geolatent.training.csv_log import CsvLog
from geolatent.training.epoch_record import EpochRecord
from geolatent.training.evaluate import EVALUATION_BATCH, evaluate_terms
from geolatent.training.fit_result import FitResult
from geolatent.training.optimizers import build_optimizers
from geolatent.training.random_state import derived_seeds, isolated_random
from geolatent.training.snapshot import Snapshot
from geolatent.training.storable_prior import require_storable_prior
from geolatent.training.train_epoch import non_finite, train_epoch
from geolatent.training.training_config import TrainingConfig
from geolatent.training.training_data import fingerprint, training_data
from geolatent.training.training_observation import show_training_data
from geolatent.training.training_run import TrainingRun
from geolatent.training.uncertainty_stage import begin_uncertainty_stage, has_uncertainty_stage
from geolatent.training.watch_codes import WATCHED, watch_codes


def fit(
    model: VAE,
    data: DataSplit | Tensor | tuple[Tensor, Tensor],
    config: TrainingConfig | None = None,
    *,
    directory: str | Path | None = None,
    callbacks: Sequence[Callback] = (),
    resume: bool = False,
    overwrite: bool = False,
) -> FitResult:
    """Train a model; it holds the best weights afterwards and is in evaluation mode.

    There are up to two stages. 'main' trains every parameter that requires a gradient. If the
    decoder is an `UncertaintyFitted`, 'uncertainty' then starts from the best weights, lets the
    decoder set its uncertainty up on the inputs it gets for the training data, and trains only the
    parameters that it names. Everything frozen is in evaluation mode meanwhile: batch
    normalisation and dropout would otherwise change functions that are meant to stay as they are.

    All that is random in the run follows from config.seed; the caller's random states, data and
    requires_grad flags stay as they were. A run that was killed and resumed ends with weights that
    are equal bit by bit to those of an uninterrupted one, on the same machine, versions and number
    of threads.

    Args:
        model: what to train, on the device and in the dtype to train with.
        data: a split, of which the training and validation parts are used; or the training data;
            or training and validation data. Shapes (n, p) and (m, p).
        config: how to train; by default `TrainingConfig()`.
        directory: folder for `log.csv`, `last.safetensors` and `best.safetensors`; None writes
            nothing.
        callbacks: further ones; a `CsvLog` or `Checkpoints` among them replaces the default one.
        resume: go on from the folder's last checkpoint, or start if it has none yet.
        overwrite: start anew although the folder holds a run.

    Returns:
        The course of the run.

    Raises:
        FileExistsError: the folder holds a run, and neither resume nor overwrite is set.
        ValueError: the data do not fit the model, its prior lies where points cannot be stored in
            its dtype, or a checkpoint is damaged or of another run.
        NonFiniteError: a loss or weight is not finite any more.
        NegativeKlError: a mean KL divergence is negative, by more than chance.
        OSError: a checkpoint cannot be written; the one before it is whole.
    """
    config = TrainingConfig() if config is None else config
    folder = None if directory is None else Path(directory)
    if resume and overwrite:
        raise ValueError("resume and overwrite exclude each other: set one of them.")
    if resume and folder is None:
        raise ValueError("resume=True needs the directory of the run.")
    train, validation = training_data(model, data, config)
    require_storable_prior(model)
    run = TrainingRun(
        model=model,
        config=config,
        train=train,
        validation=validation,
        fingerprint=fingerprint(train, validation),
        order=torch.Generator(),
    )
    snapshot = None if folder is None else _found(run, folder, resume, overwrite)
    callbacks = _with_defaults(callbacks, folder)
    flags = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
    global_seed, order_seed, evaluation_seed = derived_seeds(config.seed, 3)
    run.order.manual_seed(order_seed)
    started: list[Callback] = []
    error: BaseException | None = None
    try:
        with isolated_random(global_seed):
            try:
                _begin(run, snapshot)
                for callback in callbacks:
                    started.append(callback)
                    callback.on_start(run)
                _train_stage(run, callbacks, evaluation_seed)
                if run.stage == "main" and has_uncertainty_stage(run):
                    run.use_best_weights()
                    begin_uncertainty_stage(run)
                    _train_stage(run, callbacks, evaluation_seed)
            except BaseException as caught:
                error = caught
                raise
            finally:
                for callback in started:
                    callback.on_end(run, error)
        run.use_best_weights()
    finally:
        for parameter, flag in flags:
            parameter.requires_grad_(flag)
        model.zero_grad(set_to_none=True)
        model.eval()
    result = FitResult.of(run.history, config, folder)
    if folder is None:
        return result
    best, last = folder / BEST, folder / LAST
    return replace(
        result,
        best_checkpoint=best if best.is_file() else None,
        last_checkpoint=last if last.is_file() else None,
    )


def _found(run: TrainingRun, folder: Path, resume: bool, overwrite: bool) -> Snapshot | None:
    """The checkpoint to go on from, if there is one."""
    last = folder / LAST
    if overwrite or not last.exists():
        if overwrite:
            for file in (last, folder / BEST):
                file.unlink(missing_ok=True)
        return None
    if not resume:
        raise FileExistsError(
            f"{last}: the folder holds a run already. Go on with it with resume=True, replace it "
            "with overwrite=True, or choose another folder."
        )
    snapshot = load_checkpoint(last)
    run.require_same_run(snapshot, str(last))
    run.last_checkpoint = (last, snapshot.values["stage"], snapshot.values["epoch"])
    return snapshot


def _with_defaults(callbacks: Sequence[Callback], folder: Path | None) -> list[Callback]:
    """The callbacks with the log before and the checkpoints after those of the caller."""
    chosen = list(callbacks)
    if folder is not None:
        if not any(isinstance(callback, CsvLog) for callback in chosen):
            chosen.insert(0, CsvLog(folder / "log.csv"))
        if not any(isinstance(callback, Checkpoints) for callback in chosen):
            chosen.append(Checkpoints(folder))
    return chosen


def _begin(run: TrainingRun, snapshot: Snapshot | None) -> None:
    """Set the run up at its beginning, or where a checkpoint left it."""
    if snapshot is not None and snapshot.values["stage"] == "uncertainty":
        # The decoder sets its second stage up from the weights, then gets them back as they were.
        run.model.load_state_dict(snapshot.part("model"))
        begin_uncertainty_stage(run)
    else:
        trained = [p for p in run.model.parameters() if p.requires_grad]
        if not trained:
            raise ValueError("no parameter of the model requires a gradient: nothing to train.")
        run.begin_stage("main", build_optimizers(trained, run.config, run.config.learning_rate))
        run.model.train()
    if snapshot is None:
        show_training_data(run, epoch=0)
    else:
        run.restore_progress(snapshot)
        run.restore_machinery(snapshot)


def _train_stage(run: TrainingRun, callbacks: Sequence[Callback], evaluation_seed: int) -> None:
    """Train until the epochs or the patience of the stage are used up."""
    config = run.config
    warned = False
    while not run.stage_complete:
        start = time.perf_counter()
        epoch = run.epoch + 1
        beta = config.beta_in(run.stage, epoch)
        learning_rate = run.set_learning_rate()
        log_likelihood, kl, penalty, steps = train_epoch(run, beta)
        show_training_data(run, epoch=epoch)
        loss = beta * kl - log_likelihood + penalty
        held_out: tuple[float, float] | None = None
        held_out_loss = None
        if run.validation is not None:
            held_out = evaluate_terms(
                run.model,
                run.validation,
                samples=config.evaluation_samples,
                batch_size=EVALUATION_BATCH,
                seed=evaluation_seed,
            )
            held_out_loss = config.beta * held_out[1] - held_out[0]
            if not math.isfinite(held_out_loss):
                raise non_finite(run, "validation loss", steps)
        value = loss if held_out_loss is None else held_out_loss
        watched = None
        if run.stage == "main":
            watched = watch_codes(run.model, run.train[:WATCHED], seed=evaluation_seed)
            if watched.advice and not warned:
                warned = True
                warnings.warn(f"epoch {epoch}: {watched.advice}", stacklevel=3)
        record = EpochRecord(
            stage=run.stage,
            epoch=epoch,
            step=run.step + steps,
            beta=beta,
            learning_rate=learning_rate,
            train_loss=loss,
            train_log_likelihood=log_likelihood,
            train_kl=kl,
            train_penalty=penalty,
            validation_loss=held_out_loss,
            validation_log_likelihood=held_out[0] if held_out else None,
            validation_kl=held_out[1] if held_out else None,
            dtype=str(run.train.dtype).removeprefix("torch."),
            largest_radius=watched.codes.largest_radius if watched else None,
            beyond_valid_radius=watched.codes.share_beyond_valid if watched else None,
            clipped=watched.codes.share_clipped if watched else None,
            zero_gradients=watched.zero_gradients if watched else None,
            advice=watched.advice if watched else None,
            improved=run.is_improvement(epoch, value),
            seconds=time.perf_counter() - start,
        )
        run.record(record)
        for callback in callbacks:
            callback.on_epoch_end(run, record)
