"""The configuration of a run, written when the run begins."""

from collections.abc import Sequence
from pathlib import Path
from typing import final

from omegaconf import DictConfig
from typing_extensions import override

from geolatent.cli.run_folder import write_start
from geolatent.training import Callback, EpochRecord, TrainingRun


@final
class StartRecord(Callback):
    """Writes config.yaml and run.json once data and checkpoint have been found to fit.

    A command that is refused leaves the folder of an earlier run as it was.

    Args:
        folder: of the run.
        cfg: its configuration.
        overrides: what was typed.
    """

    def __init__(self, folder: Path, cfg: DictConfig, *, overrides: Sequence[str] = ()) -> None:
        self.folder, self.cfg, self.overrides = folder, cfg, overrides

    @override
    def on_start(self, run: TrainingRun) -> None:
        write_start(self.folder, self.cfg, overrides=self.overrides)

    @override
    def on_epoch_end(self, run: TrainingRun, record: EpochRecord) -> None:
        return
