"""Training runs, one for each row and seed of a table."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra.utils import instantiate

from geolatent.cli.build_model import with_sizes
from geolatent.cli.configuration import compose_config
from geolatent.cli.folder_name import folder_name
from geolatent.cli.published.published_experiment import Request
from geolatent.cli.run_folder import require_same_config, write_json
from geolatent.cli.train import TrainedRun, train_in

MEASURED = "measured.json"

Measured = float | Sequence[float]
"""A number of a run, or one for each of several items."""


@dataclass(frozen=True)
class Row:
    """What is trained for one row of a table.

    Attributes:
        name: of the row.
        overrides: of the experiment's configuration.
    """

    name: str
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True)
class TrainedRows:
    """What was measured, by row; one mapping for each seed.

    Attributes:
        seeds: in their order.
        measured: what a run is called and what was measured in it, for each seed.
        cuts: in what the runs were fewer or smaller than the protocol's.
    """

    seeds: tuple[int, ...]
    measured: Mapping[str, Sequence[Mapping[str, Measured]]]
    cuts: tuple[str, ...] = field(default=())

    def values(self, row: str, name: str) -> tuple[float, ...]:
        """One number of a row for each seed; empty if the row was not run."""
        found = (numbers.get(name) for numbers in self.measured.get(row, ()))
        return tuple(value for value in found if isinstance(value, float | int))

    def items(self, row: str, name: str) -> tuple[tuple[float, ...], ...]:
        """What a row has for each of several items, for each seed; empty if it was not run."""
        found = (numbers.get(name) for numbers in self.measured.get(row, ()))
        return tuple(tuple(value) for value in found if isinstance(value, Sequence))


def train_rows(
    experiment: str,
    rows: Sequence[Row],
    request: Request,
    *,
    seeds: tuple[int, ...],
    measure: Callable[[TrainedRun], Mapping[str, Measured]],
) -> TrainedRows:
    """Train and measure every row with every seed, each in a folder of its own.

    A run that has been measured is not made again, and one that was interrupted goes on.

    Args:
        experiment: configuration of the runs, ``experiment=...`` of ``geolatent train``.
        rows: all of the protocol's.
        request: which of them, with which seeds, and what differs from the protocol.
        seeds: the protocol's.
        measure: what is measured beside the metrics of every run.

    Returns:
        Metrics and measures, finite or NaN.

    Raises:
        ValueError: no row is asked for, or a folder holds a run with other settings.
    """
    wanted = [row for row in rows if request.wants(row.name)]
    chosen = seeds if request.seeds is None else request.seeds
    if not wanted:
        known = ", ".join(row.name for row in rows)
        raise ValueError(f"rows={list(request.rows)}: no row is called so. There are: {known}.")
    if not chosen or len(set(chosen)) < len(chosen) or min(chosen) < 0:
        raise ValueError(f"seeds={list(chosen)}: give different whole numbers of at least 0.")
    measured: dict[str, list[Mapping[str, Measured]]] = {row.name: [] for row in wanted}
    for number, seed in enumerate(chosen):  # all rows of a seed first: they can be compared early
        for place, row in enumerate(wanted):
            title = f"{number * len(wanted) + place + 1}/{len(chosen) * len(wanted)} {row.name}"
            folder = request.folder / folder_name(",".join(row.overrides)) / f"seed={seed}"
            overrides = [*row.overrides, *request.overrides, f"seed={seed}"]
            measured[row.name].append(_run(experiment, overrides, folder, measure, title=title))
    cuts = []
    if missing := set(seeds) - set(chosen):
        cuts.append(f"without {len(missing)} of {len(seeds)} seeds")
    if len(wanted) < len(rows):
        cuts.append(f"{len(wanted)} of {len(rows)} rows")
    if request.overrides:
        cuts.append(f"other settings: {', '.join(request.overrides)}")
    return TrainedRows(chosen, measured, tuple(cuts))


def _run(
    experiment: str,
    overrides: Sequence[str],
    folder: Path,
    measure: Callable[[TrainedRun], Mapping[str, Measured]],
    *,
    title: str,
) -> Mapping[str, Measured]:
    cfg = compose_config("train", [f"experiment={experiment}", "run_id=row", *overrides])
    file = folder / MEASURED
    if file.is_file():
        data = instantiate(cfg.data, _convert_="all")
        require_same_config(folder, with_sizes(cfg, data.width))
        found = json.loads(file.read_text())
    else:
        trained = train_in(folder, cfg, overrides=overrides, title=title)
        found = {**trained.metrics, **measure(trained)}
        write_json(file, found)
        numbers = {name: value for name, value in found.items() if not isinstance(value, Sequence)}
        said = ", ".join(f"{name} {value:.4g}" for name, value in numbers.items())
        print(f"{title}, {overrides[-1]}: {said}", flush=True)
    return {name: _numbers(value) for name, value in found.items()}


def _numbers(value: Any) -> Measured:
    """As it was before JSON, which has null for NaN."""
    if isinstance(value, list):
        return [math.nan if each is None else each for each in value]
    return math.nan if value is None else value
