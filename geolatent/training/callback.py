"""What can be hung onto the training loop."""

from abc import ABC, abstractmethod

from geolatent.training.epoch_record import EpochRecord
from geolatent.training.training_run import TrainingRun


class Callback(ABC):
    """Something that happens while a model trains.

    A callback may read everything in the run, but a run must come out the same with and without
    it: it changes no weights and draws nothing from the global random generators.
    """

    def on_start(self, run: TrainingRun) -> None:
        """Before the first epoch; after a resume, run.history holds the epochs before it."""
        return

    @abstractmethod
    def on_epoch_end(self, run: TrainingRun, record: EpochRecord) -> None:
        """After every epoch, its validation, and the choice of the best weights."""

    def on_end(self, run: TrainingRun, error: BaseException | None) -> None:
        """After the last epoch, with the error or interrupt that ended the run, if one did."""
        return
