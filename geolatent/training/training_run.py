"""A training run in progress."""

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim import Optimizer

from geolatent.models import VAE
from geolatent.training.checkpoint_file import require_same_weights
from geolatent.training.epoch_record import EpochRecord, Stage
from geolatent.training.optimizers import optimizer_parts, restore_optimizers
from geolatent.training.plateau import PLATEAU_FACTOR, plateaus
from geolatent.training.random_state import RandomState
from geolatent.training.snapshot import Snapshot
from geolatent.training.training_config import TrainingConfig

# A run may be made longer when it is resumed; anything else would make it another run.
_EXTENSIBLE = {"epochs": "main", "uncertainty_epochs": "uncertainty"}


@dataclass(kw_only=True, eq=False)
class TrainingRun:
    """Everything that a run is made of, and so everything that a checkpoint holds.

    Args:
        model: what is trained.
        config: how.
        train: training data on the model's device and in its dtype, shape (n, p).
        validation: validation data likewise, shape (m, p), or None.
        fingerprint: checksum of both.
        order: generator of the order of the items.
        stage: the current stage.
        optimizers: those of the stage.
        history: one record for every epoch so far, over all stages.
        best: the record of the stage's best epoch so far.
        best_weights: its weights, or None if they are the current ones or there are none yet.
        last_checkpoint: the file to resume from and the (stage, epoch) it holds.
    """

    model: VAE
    config: TrainingConfig
    train: Float[Tensor, "n p"]
    validation: Float[Tensor, "m p"] | None
    fingerprint: str
    order: torch.Generator
    stage: Stage = "main"
    optimizers: Sequence[Optimizer] = ()
    history: list[EpochRecord] = field(default_factory=list)
    best: EpochRecord | None = None
    best_weights: dict[str, Tensor] | None = None
    last_checkpoint: tuple[Path, Stage, int] | None = None

    @property
    def epoch(self) -> int:
        """Epochs of the current stage that are complete."""
        last = self.history[-1] if self.history else None
        return last.epoch if last is not None and last.stage == self.stage else 0

    @property
    def step(self) -> int:
        """Steps of the current stage that are complete."""
        return self.history[-1].step if self.epoch else 0

    @property
    def stage_complete(self) -> bool:
        """Whether the epochs of the stage or the patience are used up."""
        patience = self.config.patience
        if self.epoch >= self.config.epochs_of(self.stage):
            return True
        start = max(self.best.epoch if self.best else 0, self.config.warmup_of(self.stage))
        return patience is not None and self.epoch - start >= patience

    def set_learning_rate(self) -> float:
        """Give the optimisers the learning rate of the next epoch, and return it."""
        rate, patience = self.config.learning_rate_of(self.stage), self.config.plateau_patience
        if patience is not None:
            losses = (row.loss_at_beta for row in self.history if row.stage == self.stage)
            rate *= PLATEAU_FACTOR ** plateaus(losses, patience=patience)
            for optimizer in self.optimizers:
                for group in optimizer.param_groups:
                    group["lr"] = rate
        return rate

    def begin_stage(self, stage: Stage, optimizers: Sequence[Optimizer]) -> None:
        """Start counting anew."""
        self.stage, self.optimizers = stage, optimizers
        self.best = self.best_weights = None

    def is_improvement(self, epoch: int, value: float) -> bool:
        """Whether an epoch that is about to be recorded is the best of its stage."""
        if epoch <= self.config.warmup_of(self.stage):
            return False
        if self.validation is None or self.best is None:
            return True
        return value < self.best.value - self.config.min_delta

    def record(self, record: EpochRecord) -> None:
        """Add an epoch, and keep its weights if they are the best."""
        self.history.append(record)
        if record.improved:
            self.best = record
            if self.validation is not None:
                self.best_weights = {
                    name: tensor.detach().clone()
                    for name, tensor in self.model.state_dict().items()
                }

    def use_best_weights(self) -> None:
        """Put the best weights of the stage into the model."""
        if self.best_weights is not None:
            self.model.load_state_dict(self.best_weights)

    def snapshot(self) -> Snapshot:
        """Everything needed to go on from here exactly; the tensors are not copies."""
        optimizer_tensors, optimizer_values = optimizer_parts(self.optimizers)
        random = RandomState.capture()
        parts = {
            "model": self.model.state_dict(),
            "best": self.best_weights or {},
            "optimizer": optimizer_tensors,
            "random": random.tensors() | {"order": self.order.get_state()},
        }
        values = {
            **self.description(),
            "optimizers": optimizer_values,
            "random": random.values(),
        }
        return Snapshot(_joined(parts), values)

    def best_snapshot(self) -> Snapshot | None:
        """The best weights of the stage, for use; None during a KL warm-up."""
        if self.best is None:
            return None
        weights = self.model.state_dict() if self.best_weights is None else self.best_weights
        values = {**self.description(), "epoch": self.best.epoch, "step": self.best.step}
        return Snapshot(_joined({"model": weights}), values)

    def description(self) -> dict[str, Any]:
        """What a checkpoint says in words and numbers."""
        return {
            "stage": self.stage,
            "epoch": self.epoch,
            "step": self.step,
            "best_epoch": self.best.epoch if self.best else None,
            "best_value": self.best.value if self.best else None,
            "history": [asdict(record) for record in self.history],
            "config": self.config.as_dict(),
            "data": self.fingerprint,
            "environment": {
                "torch": torch.__version__,
                "python": platform.python_version(),
                "threads": torch.get_num_threads(),
                "omp_num_threads": os.environ.get("OMP_NUM_THREADS"),
            },
        }

    def require_same_run(self, snapshot: Snapshot, source: str) -> None:
        """Raise a ValueError if a checkpoint is not one of this run.

        Args:
            snapshot: the checkpoint.
            source: its name, for the message.
        """
        values = snapshot.values
        if values["data"] != self.fingerprint:
            raise ValueError(
                f"{source} is of a run on other data, or on another split of them: resume with the "
                "same data, or begin anew in another folder (or with overwrite=True)."
            )
        saved, own = values["config"], self.config.as_dict()
        differing = []
        for name in own:
            if saved.get(name) == own[name]:
                continue
            if _EXTENSIBLE.get(name) == values["stage"] and own[name] >= values["epoch"]:
                continue
            if name == "uncertainty_epochs" and values["stage"] == "main":
                continue
            differing.append(f"{name} ({saved.get(name)!r} there, {own[name]!r} now)")
        if differing:
            raise ValueError(
                f"{source} is of a run with another configuration: {', '.join(differing)}. Resume "
                "with the same one (the epochs of a stage that has not ended may be raised), or "
                "begin anew in another folder (or with overwrite=True)."
            )
        require_same_weights(self.model, snapshot.part("model"), source)

    def restore_progress(self, snapshot: Snapshot) -> None:
        """Take over weights, history and the best epoch of a checkpoint."""
        values = snapshot.values
        self.model.load_state_dict(snapshot.part("model"))
        self.stage = values["stage"]
        self.history = [EpochRecord(**record) for record in values["history"]]
        ranked = [row for row in self.history if row.stage == self.stage and row.improved]
        self.best = ranked[-1] if ranked else None
        device = self.train.device
        best = {name: tensor.to(device) for name, tensor in snapshot.part("best").items()}
        self.best_weights = best or None

    def restore_machinery(self, snapshot: Snapshot) -> None:
        """Take over the optimisers' and all random states of a checkpoint: the last thing to do."""
        restore_optimizers(
            self.optimizers, snapshot.part("optimizer"), snapshot.values["optimizers"]
        )
        random = snapshot.part("random")
        self.order.set_state(random.pop("order"))
        RandomState.of(random, snapshot.values["random"]).restore()


def _joined(parts: dict[str, dict[str, Tensor]]) -> dict[str, Tensor]:
    """Name the tensors after their part."""
    return {
        f"{part}/{name}": entry for part, named in parts.items() for name, entry in named.items()
    }
