"""A live line in the terminal."""

from typing import Any, final

from typing_extensions import override

from geolatent.training.callback import Callback
from geolatent.training.epoch_record import EpochRecord, Stage
from geolatent.training.training_run import TrainingRun

_WIDE = 100  # columns of a terminal on which everything fits


@final
class Progress(Callback):
    """Shows a bar with the epoch, the losses and their terms, on a terminal only.

    The losses are those of training and validation; the terms those of validation, if there is one.

    It writes to stderr and nothing at all if that is a file or a pipe, so that logs stay clean;
    what others print appears above the bar.

    Args:
        title: what stands before the bar, for example the name of the model.
        force: show it even if stderr is not a terminal.
    """

    def __init__(self, title: str = "training", *, force: bool = False) -> None:
        self.title = title
        self.force = force
        self._bar: Any = None
        self._task: Any = None
        self._stage: Stage | None = None

    @override
    def on_start(self, run: TrainingRun) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        console = Console(stderr=True, force_terminal=True if self.force else None)
        if not console.is_terminal:
            return
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24 if console.width >= _WIDE else 10),
            MofNCompleteColumn(),
            TextColumn("{task.fields[numbers]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            refresh_per_second=4,
        )
        self._bar.start()
        self._begin(run)

    @override
    def on_epoch_end(self, run: TrainingRun, record: EpochRecord) -> None:
        if self._bar is None:
            return
        if self._stage != record.stage:
            self._begin(run)
        width = self._bar.console.width
        self._bar.update(self._task, completed=record.epoch, numbers=_numbers(run, record, width))

    @override
    def on_end(self, run: TrainingRun, error: BaseException | None) -> None:
        if self._bar is None:
            return
        if error is None:  # stopped early: what is left will not be done
            self._bar.update(self._task, total=run.epoch, completed=run.epoch)
        self._bar.stop()
        self._bar = self._task = self._stage = None

    def _begin(self, run: TrainingRun) -> None:
        """A new bar for a new stage; that of the stage before, if it ended early, is full."""
        if self._task is not None:
            done = self._bar.tasks[-1].completed
            self._bar.update(self._task, total=done)
        self._stage = run.stage
        title = self.title if run.stage == "main" else f"{self.title}: {run.stage}"
        self._task = self._bar.add_task(
            title, total=run.config.epochs_of(run.stage), completed=run.epoch, numbers=""
        )


def _numbers(run: TrainingRun, record: EpochRecord, width: int) -> str:
    """The numbers of an epoch, short enough for a terminal of that width."""
    losses = f"{record.train_loss:.1f}"
    log_likelihood, kl = record.train_log_likelihood, record.train_kl
    if record.validation_log_likelihood is not None and record.validation_kl is not None:
        losses += f"/{record.validation_loss:.1f}"
        log_likelihood, kl = record.validation_log_likelihood, record.validation_kl
    best = f" best {run.best.epoch}" if run.best and width >= _WIDE else ""
    return f"loss {losses} log p {log_likelihood:.1f} KL {kl:.1f}{best}"
