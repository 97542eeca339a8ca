"""The checkpoints of a run."""

import time
from pathlib import Path
from typing import final

from typing_extensions import override

from geolatent.training.callback import Callback
from geolatent.training.checkpoint_file import save_checkpoint
from geolatent.training.epoch_record import EpochRecord
from geolatent.training.training_run import TrainingRun

LAST = "last.safetensors"
BEST = "best.safetensors"
_SHARE = 0.05  # of the time of a run may go into writing


@final
class Checkpoints(Callback):
    """Writes `last.safetensors`, to resume from, and `best.safetensors`, the weights to use.

    Both are replaced atomically: there is always a whole one. `last` holds the best weights too, so
    that a run can be resumed from it alone.

    Args:
        directory: the folder; it is made if there is none.
        every: write after so many epochs. By default as often as costs at most a twentieth of the
            run's time, and at the end; a killed process loses little, and never its exactness.

    Raises:
        ValueError: every is less than 1.
    """

    def __init__(self, directory: str | Path, *, every: int | None = None) -> None:
        if every is not None and every < 1:
            raise ValueError(f"every={every} must be a whole number of at least 1, or None.")
        self.directory = Path(directory)
        self.every = every
        self._written: tuple[str, int] | None = None
        self._finished = self._cost = 0.0
        self._best: EpochRecord | None = None

    @override
    def on_start(self, run: TrainingRun) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self._written, self._best = None, None
        self._finished, self._cost = time.monotonic(), 0.0

    @override
    def on_epoch_end(self, run: TrainingRun, record: EpochRecord) -> None:
        if self.every is None:
            due = time.monotonic() - self._finished >= self._cost / _SHARE
        else:
            due = record.epoch % self.every == 0
        if due or run.stage_complete:
            self._write(run)

    @override
    def on_end(self, run: TrainingRun, error: BaseException | None) -> None:
        # After an error the weights belong to the middle of an epoch: the last file stays.
        if error is None and self._written != (run.stage, run.epoch) and run.history:
            self._write(run)

    def _write(self, run: TrainingRun) -> None:
        start = time.monotonic()
        # Best first: if the process dies between the two, the resumed run writes it again.
        best = run.best_snapshot() if run.best is not self._best else None
        if best is not None:
            save_checkpoint(self.directory / BEST, best)
            self._best = run.best
        save_checkpoint(self.directory / LAST, run.snapshot())
        run.last_checkpoint = (self.directory / LAST, run.stage, run.epoch)
        self._written = (run.stage, run.epoch)
        self._finished = time.monotonic()
        self._cost = self._finished - start
