"""The training log as a table in a file."""

import csv
from dataclasses import asdict, fields
from pathlib import Path
from typing import IO, final

from typing_extensions import override

from geolatent.training.callback import Callback
from geolatent.training.epoch_record import EpochRecord
from geolatent.training.training_run import TrainingRun


@final
class CsvLog(Callback):
    """Writes one line an epoch, as soon as the epoch is over.

    When a run starts, the file is written anew from its history: after a resume the epochs that a
    killed process logged beyond its last checkpoint do not stand there twice.

    Args:
        path: the file; its folder is made if there is none.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._file: IO[str] | None = None

    @override
    def on_start(self, run: TrainingRun) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("w", newline="", encoding="utf-8")
        csv.writer(self._file).writerow(field.name for field in fields(EpochRecord))
        for record in run.history:
            self._write(record)
        self._file.flush()

    @override
    def on_epoch_end(self, run: TrainingRun, record: EpochRecord) -> None:
        self._write(record)
        if self._file is not None:
            self._file.flush()

    @override
    def on_end(self, run: TrainingRun, error: BaseException | None) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, record: EpochRecord) -> None:
        if self._file is not None:
            csv.writer(self._file).writerow(asdict(record).values())
