"""What a training run leaves behind."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from geolatent.training.epoch_record import EpochRecord, Stage
from geolatent.training.training_config import TrainingConfig


@dataclass(frozen=True, kw_only=True)
class StageResult:
    """How one stage went.

    Args:
        stage: which one.
        epochs: how many epochs it took.
        best_epoch: the epoch whose weights were kept; without validation data, the last.
        best_value: the validation loss of that epoch at the full β; without validation data the
            training loss.
        stopped_early: whether patience ended it.
    """

    stage: Stage
    epochs: int
    best_epoch: int
    best_value: float
    stopped_early: bool


@dataclass(frozen=True, kw_only=True)
class FitResult:
    """The course of a training run; the model itself holds the best weights.

    Args:
        history: one record an epoch, over all stages.
        stages: the outcome of each stage, in order.
        directory: the folder of the run, or None.
        best_checkpoint: file with the best weights, or None.
        last_checkpoint: file to resume from, or None.
    """

    history: tuple[EpochRecord, ...]
    stages: tuple[StageResult, ...]
    directory: Path | None = None
    best_checkpoint: Path | None = None
    last_checkpoint: Path | None = None

    @classmethod
    def of(
        cls, history: Sequence[EpochRecord], config: TrainingConfig, directory: Path | None
    ) -> "FitResult":
        """Sum up a finished history."""
        stages = []
        for stage in dict.fromkeys(record.stage for record in history):
            records = [record for record in history if record.stage == stage]
            best = [record for record in records if record.improved][-1]
            stages.append(
                StageResult(
                    stage=stage,
                    epochs=len(records),
                    best_epoch=best.epoch,
                    best_value=best.value,
                    stopped_early=len(records) < config.epochs_of(stage),
                )
            )
        return cls(history=tuple(history), stages=tuple(stages), directory=directory)

    @property
    def best_epoch(self) -> int:
        """The epoch of the last stage whose weights the model holds."""
        return self.stages[-1].best_epoch

    @property
    def best_value(self) -> float:
        """The loss of that epoch."""
        return self.stages[-1].best_value

    @property
    def stopped_early(self) -> bool:
        """Whether patience ended the last stage."""
        return self.stages[-1].stopped_early

    def to_frame(self) -> Any:
        """The history as a pandas table, one row an epoch."""
        import pandas  # slow to import

        return pandas.DataFrame([asdict(record) for record in self.history])
