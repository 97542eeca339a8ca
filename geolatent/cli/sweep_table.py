"""The table at the end of a sweep."""

import json
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig
from rich.table import Table

from geolatent.cli.run_folder import FAILURE, METRICS, shown
from geolatent.cli.terminal import print_table

_COLUMNS = ("validation_loss", "train_loss", "test_elbo", "test_iwae", "test_rmse", "seconds")


class SweepTable(Callback):
    """Prints what every run of a sweep reached; ends the program with 1 if one failed.

    It reads the folders, so that it knows of runs that a launcher started in other processes.
    """

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        """Print the table of the sweep's folder."""
        folder = Path(config.hydra.sweep.dir)
        runs = sorted({path.parent for name in (METRICS, FAILURE) for path in folder.rglob(name)})
        if not runs:
            return
        failed = [run for run in runs if (run / FAILURE).is_file()]
        print_table(sweep_table(folder, runs))
        print(f"{len(runs) - len(failed)} of {len(runs)} runs in {shown(folder)}")
        if failed:
            raise SystemExit(1)


def sweep_table(folder: Path, runs: list[Path]) -> Table:
    """One row for each run, with the numbers of its metrics.json."""
    found = {run: _metrics(run) for run in runs}
    names = [name for name in _COLUMNS if any(name in numbers for numbers in found.values())]
    titles = (name.replace("_", " ") for name in names)
    table = Table("run", *titles, box=None, header_style="bold")
    for run, numbers in found.items():
        row = [_cell(numbers.get(name)) for name in names]
        if (run / FAILURE).is_file():
            row = ["failed", *[""] * (len(names) - 1)]
        table.add_row(str(run.relative_to(folder)), *row)
    return table


def _metrics(run: Path) -> dict[str, Any]:
    if (run / FAILURE).is_file() or not (run / METRICS).is_file():
        return {}
    content = json.loads((run / METRICS).read_text())
    return {name: value for name, value in content.items() if isinstance(value, int | float)}


def _cell(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
