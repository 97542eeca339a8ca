"""One row of the training log."""

from dataclasses import dataclass
from typing import Literal

Stage = Literal["main", "uncertainty"]


@dataclass(frozen=True, kw_only=True)
class EpochRecord:
    """The averages of one epoch, in nats an item; every item has the same weight.

    Args:
        stage: 'main', or 'uncertainty' for the second stage of decoders that have one.
        epoch: counted from 1 in each stage.
        step: optimiser steps of the stage so far.
        beta: weight of the KL term in this epoch's training loss.
        learning_rate: of this epoch; None in the records of older runs.
        train_loss: −log likelihood + beta · KL + penalty over the epoch, as the weights moved.
        train_log_likelihood: its first term.
        train_kl: its second term, before the weight.
        train_penalty: its third term, of the regulariser; 0 without one.
        validation_loss: −log likelihood + (full) β · KL at the end of the epoch, or None.
        validation_log_likelihood: its first term, or None.
        validation_kl: its second term, before the weight, or None.
        dtype: in which the model works; None in the records of older runs.
        largest_radius: of the posteriors' locations and draws for some training data, whichever
            are farther out, see `CodeReport`; None in stages that do not move codes.
        beyond_valid_radius: share of these codes whose coordinates are not to be trusted.
        clipped: share of them beyond the last point that can be stored.
        zero_gradients: share of the encoder's outputs for them with a gradient of exactly zero.
        advice: what to do about these four; empty if there is nothing to do.
        improved: whether the weights are the best ones so far; without validation data, the last.
        seconds: wall-clock time of the epoch, with its validation.
    """

    stage: Stage
    epoch: int
    step: int
    beta: float
    learning_rate: float | None = None
    train_loss: float
    train_log_likelihood: float
    train_kl: float
    train_penalty: float = 0.0
    validation_loss: float | None
    validation_log_likelihood: float | None
    validation_kl: float | None
    dtype: str | None = None
    largest_radius: float | None
    beyond_valid_radius: float | None
    clipped: float | None
    zero_gradients: float | None
    advice: str | None = None
    improved: bool
    seconds: float

    @property
    def value(self) -> float:
        """What the best epoch is chosen by: the validation loss, or else the training loss."""
        return self.train_loss if self.validation_loss is None else self.validation_loss

    @property
    def loss_at_beta(self) -> float:
        """The validation loss at this epoch's own β, or else the training loss: for plateaus."""
        if self.validation_kl is None or self.validation_log_likelihood is None:
            return self.train_loss
        return self.beta * self.validation_kl - self.validation_log_likelihood
