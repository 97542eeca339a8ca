"""One pass over the training data."""

from functools import partial

import torch
from torch import Tensor

from geolatent.data import flip_bits
from geolatent.models import elbo
from geolatent.training.negative_kl_error import NegativeKlError, is_beyond_chance
from geolatent.training.non_finite_error import NonFiniteError
from geolatent.training.training_run import TrainingRun


def train_epoch(run: TrainingRun, beta: float) -> tuple[float, float, float, int]:
    """Take a step for every batch of the training data in random order.

    Nothing waits for the device until the epoch is over: the sums of both terms stay where they
    are, and whether they are finite is looked at once.

    Args:
        run: the run; its model and optimisers are changed.
        beta: weight of the KL term.

    Returns:
        The mean log likelihood, KL and penalty over all items, as the weights moved, and the steps
        taken.

    Raises:
        NonFiniteError: a term or a weight is not finite any more.
        NegativeKlError: the mean KL is negative by more than chance.
    """
    model, data, config = run.model, run.train, run.config
    bound = partial(elbo, sampled_kl=True) if config.sampled_kl else elbo
    parameters = [
        p for optimizer in run.optimizers for g in optimizer.param_groups for p in g["params"]
    ]
    order = torch.randperm(len(data), generator=run.order).to(data.device)
    regulariser = config.regulariser if run.stage == "main" else None
    penalty = data.new_zeros(())
    sums: list[Tensor] = []  # of log likelihood, KL and penalty of each batch, in turn
    try:
        for rows in order.split(config.batch_size):
            batch = data.index_select(0, rows)
            if config.flip_probability:
                batch = flip_bits(batch, config.flip_probability)
            terms = bound(model, batch)
            log_likelihood, kl = terms.log_likelihood.sum(), terms.kl.sum()
            if regulariser is not None:
                penalty = len(rows) * regulariser.penalty(model, model.latent.code(terms.point))
            sums += log_likelihood.detach(), kl.detach(), penalty.detach()
            for parameter in parameters:
                parameter.grad = None
            ((beta * kl - log_likelihood + penalty) / len(rows)).backward()
            if config.clip_norm is not None:
                torch.nn.utils.clip_grad_norm_(parameters, config.clip_norm)
            for optimizer in run.optimizers:
                optimizer.step()
    except (RuntimeError, ValueError, ArithmeticError) as error:
        # Distributions and solvers complain about NaN in their own words: say where it came from.
        diverged = _diverged(run, sums, parameters)
        if diverged is not None:
            raise diverged from error
        raise
    diverged = _diverged(run, sums, parameters)
    if diverged is not None:
        raise diverged
    table = torch.stack(sums).double().reshape(-1, 3)
    log_likelihood_mean, kl_mean, penalty_mean = (table.sum(0) / len(data)).tolist()
    if is_beyond_chance(-kl_mean * len(data), len(data)):
        where = f"in epoch {run.epoch + 1} of stage {run.stage!r} ({_last_checkpoint(run)})"
        raise NegativeKlError(kl=kl_mean, dtype=data.dtype, where=where)
    return log_likelihood_mean, kl_mean, penalty_mean, len(table)


def _diverged(run: TrainingRun, sums: list[Tensor], parameters: list[Tensor]) -> Exception | None:
    """The error to raise if anything is not finite."""
    step = len(sums) // 3
    broken: list[str] = []
    if sums:
        finite = torch.stack(sums).isfinite().reshape(-1, 3).cpu()
        bad = (~finite.all(dim=1)).nonzero()
        if len(bad):
            step = int(bad[0]) + 1
            names = ("log likelihood", "KL", "penalty")
            broken = [n for n, good in zip(names, finite[step - 1], strict=True) if not good]
    if not broken:
        flags = torch.stack([parameter.detach().isfinite().all() for parameter in parameters])
        if bool(flags.all()):
            return None
        broken = ["gradient (the loss is finite, but the step made weights that are not)"]
    return non_finite(run, " and the ".join(broken), step)


def non_finite(run: TrainingRun, term: str, step: int) -> NonFiniteError:
    """The error for a term that is not finite.

    Args:
        run: where.
        term: what.
        step: steps since the beginning of the epoch.

    Returns:
        The error, to be raised.
    """
    return NonFiniteError(
        term=term,
        stage=run.stage,
        epoch=run.epoch + 1,
        step=run.step + step,
        checkpoint=_last_checkpoint(run),
    )


def _last_checkpoint(run: TrainingRun) -> str:
    if run.last_checkpoint is None:
        return "No checkpoint was written."
    path, stage, epoch = run.last_checkpoint
    return f"The last finite checkpoint is {path}, of epoch {epoch} of stage {stage!r}."
