"""What a run's folder says for the readiness of its model."""

import csv
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from geolatent.assumptions import Evidence
from geolatent.assumptions.choices.sensitivity_report import NUMBERS
from geolatent.cli.run_folder import CONFIG, METRICS, read_config
from geolatent.training import Convergence, convergence

LOG = "log.csv"


def evidence(folder: Path, sensitivity: Path | None = None) -> Evidence:
    """What a run's own record says of its training, and an analysis of what its verdicts depend on.

    Args:
        folder: of the run.
        sensitivity: of an analysis by ``geolatent sensitivity``.

    Raises:
        ValueError: there is no such analysis, or it is of other data.
    """
    known = () if sensitivity is None else known_sensitivity(sensitivity, folder)
    if not (folder / METRICS).is_file():
        return Evidence(sensitivity=known)
    found = training_convergence(folder)
    return Evidence(
        trained=True,
        converged=found.converged,
        unconverged="" if found.converged else f"show that training converged: {found.reason}",
        sensitivity=known,
    )


def training_convergence(folder: Path) -> Convergence:
    """Whether the log of a run shows that it had stopped improving."""
    try:
        with (folder / LOG).open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["stage"] == "main"]
        losses = [float(row["validation_loss"] or row["train_loss"]) for row in rows]
    except (OSError, ValueError, KeyError) as error:
        return Convergence(False, f"{LOG} says nothing ({error}).")
    return convergence(losses, epochs=OmegaConf.select(read_config(folder), "train.epochs"))


def known_sensitivity(analysis: Path, run: Path) -> tuple[str, ...]:
    """The claims that an analysis knows the sensitivity of.

    Raises:
        ValueError: there is no such analysis, or it is of other data.
    """
    try:
        content = json.loads((analysis / NUMBERS).read_text(encoding="utf-8"))
        known = tuple(map(str, content["known"]))
        varied = content["factors"].keys()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"sensitivity={analysis} is no analysis: {error}.") from error
    for other in sorted(analysis.glob(f"*/{CONFIG}"))[:1]:
        theirs, ours = (_data(folder, varied) for folder in (other.parent, run))
        if theirs != ours and "data" not in varied:
            raise ValueError(
                f"sensitivity={analysis} is of other data: {theirs} there, {ours} in {run}."
            )
    return known


def _data(folder: Path, varied: Collection[str]) -> dict[str, Any]:
    """The settings of a run's data that an analysis did not vary."""
    data: Any = OmegaConf.to_container(read_config(folder).data, resolve=True)
    return {key: value for key, value in data.items() if f"data.{key}" not in varied}
