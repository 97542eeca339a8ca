"""What a run's folder says for the readiness of its model."""

import csv
import json
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from geolatent.assumptions import Evidence
from geolatent.assumptions.choices.sensitivity_report import NUMBERS
from geolatent.cli.run_folder import CONFIG, METRICS, PROVENANCE, flat_settings, read_config
from geolatent.data import DataSplit
from geolatent.training import Convergence, convergence

LOG = "log.csv"
_DECIDING = ("data", "latent", "network", "likelihood", "train", "regulariser", "seed")


def evidence(folder: Path, sensitivity: Path | None = None) -> Evidence:
    """What a run's own record says of its training, and an analysis of what its verdicts depend on.

    Args:
        folder: of the run.
        sensitivity: of an analysis by ``geolatent sensitivity``.

    Raises:
        ValueError: there is no such analysis, or it is of other models.
    """
    known = () if sensitivity is None else known_sensitivity(sensitivity, folder)
    if not (folder / METRICS).is_file():
        return Evidence(sensitivity=known)
    found = training_convergence(folder)
    why = found.reason.rstrip(".")
    return Evidence(
        trained=True,
        converged=found.converged,
        unconverged="" if found.converged else f"show that training converged: {why}",
        sensitivity=known,
    )


def run_card(folder: Path, data: DataSplit) -> dict[str, str]:
    """What the record of a run says of its model, for the model card of a report."""
    cfg = read_config(folder)
    items = ", ".join(
        f"{len(getattr(data, part))} for {name}"
        for part, name in (("train", "training"), ("validation", "validation"), ("test", "testing"))
    )
    card = {
        "data": f"{data.name}: {items}",
        "source": data.data_set.source,
        "licence": data.data_set.licence,
    }
    for name, key in (("seed of training", "seed"), ("seed of the split", "data.seed")):
        value = OmegaConf.select(cfg, key)
        if value is not None:
            card[name] = str(value)
    for name, key in (("latent space", "latent"), ("likelihood", "likelihood")):
        said = _settings(OmegaConf.select(cfg, key))
        if said:
            card[name] = said
    try:
        record = json.loads((folder / PROVENANCE).read_text(encoding="utf-8"))
        card["settings as typed"] = " ".join(record["overrides"]) or "none"
        if record["commit"]:
            card["commit"] = str(record["commit"])
        said = record["versions"]
        card["trained with"] = ", ".join(f"{name} {version}" for name, version in said.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass  # an older run: there is no such record
    return card


def _settings(node: Any) -> str:
    """A class and its plain settings, in one line."""
    if not OmegaConf.is_dict(node):
        return ""
    plain = {
        str(key): value
        for key, value in node.items()
        if key != "_target_" and not OmegaConf.is_config(value)
    }
    name = str(node.get("_target_", "")).rpartition(".")[2]
    inside = ", ".join(f"{key}={value}" for key, value in plain.items())
    return f"{name}({inside})"


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
        ValueError: there is no such analysis, its runs are not there, or they are set up otherwise
            than the run, in what was not varied.
    """
    try:
        content = json.loads((analysis / NUMBERS).read_text(encoding="utf-8"))
        known = tuple(map(str, content["known"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"sensitivity={analysis} is no analysis: {error}.") from error
    theirs = [_model(file.parent) for file in sorted(analysis.glob(f"*/{CONFIG}"))]
    if not theirs:
        raise ValueError(
            f"sensitivity={analysis} does not say what models it is of: none of its folders has a "
            f"{CONFIG}. Give the folder as `geolatent sensitivity` left it, with its runs."
        )
    ours = _model(run)
    for key in sorted(ours.keys() | {key for one in theirs for key in one}):
        found = [one.get(key) for one in theirs]
        # What takes several values there was varied, or follows from what was.
        if all(value == found[0] != ours.get(key) for value in found):
            raise ValueError(
                f"sensitivity={analysis} is of other models than {run}: {key} is {found[0]} there "
                f"and {ours.get(key)} here. Vary it in the analysis, or train alike."
            )
    return known


def _model(folder: Path) -> dict[str, Any]:
    """The settings of a run that decide what is trained, by their dotted names."""
    cfg = read_config(folder)
    kept = OmegaConf.masked_copy(cfg, [name for name in cfg if name in _DECIDING])
    return flat_settings(OmegaConf.to_container(kept, resolve=True))
