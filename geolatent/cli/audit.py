"""``geolatent audit``: the assumptions that a trained model rests on."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from geolatent.assumptions import Assumption, AuditReport, audit
from geolatent.cli.build_model import with_sizes
from geolatent.cli.configuration import compose_config
from geolatent.cli.interpolate import output_folder, require_whole
from geolatent.cli.load_run import load_run
from geolatent.cli.run_evidence import evidence, run_card
from geolatent.cli.run_folder import METRICS, require_same_config, shown
from geolatent.cli.train import train_in, with_absolute_path
from geolatent.data import DataSplit

REPORT = "audit"
_PARTS = ("train", "validation", "test")


def run(cfg: DictConfig, job: Path) -> None:
    """The command: load a run, test assumptions, write and print the report.

    Raises:
        SystemExit: with 1 if an assumption in `hold` does not hold, or a verdict is not that of the
            baseline.
    """
    require_whole(cfg, "pairs", "seed")
    assumptions = chosen(cfg)
    hold = _names(cfg, "hold")
    unknown = sorted(set(hold) - {assumption.claim.name for assumption in assumptions})
    if unknown:
        raise ValueError(f"hold={hold}: {', '.join(unknown)} is not tested.")
    before = None if cfg.baseline is None else verdicts(Path(str(cfg.baseline)))
    if before is not None and cfg.only is not None:
        tested = {assumption.claim.name for assumption in assumptions}
        before = {name: verdict for name, verdict in before.items() if name in tested}
        if not before:
            raise ValueError(f"baseline={cfg.baseline} has no verdict on {', '.join(tested)}.")
    writable = AuditReport.formats()
    unwritable = [suffix for suffix in _names(cfg, "formats") if suffix not in writable]
    if unwritable:
        raise ValueError(f"formats: no {unwritable[0]!r}; choose from {', '.join(writable)}.")
    if cfg.part not in _PARTS:
        raise ValueError(f"part={cfg.part!r}: choose one of {', '.join(_PARTS)}.")
    run_folder = Path(str(cfg.run))
    if cfg.training is not None:
        make_run(run_folder, _names(cfg, "training"))
    sweep = HydraConfig.get().mode == RunMode.MULTIRUN
    folder = output_folder(cfg, job, REPORT, sweep=sweep)
    analysis = None if cfg.sensitivity is None else Path(str(cfg.sensitivity))
    known = evidence(run_folder, analysis)
    _, data, model = load_run(run_folder)
    like = next(model.parameters())
    items = getattr(data, cfg.part).to(like)
    with torch.no_grad():
        codes = model.encode(items)
    report = audit(
        model,
        codes,
        data=items,
        labels=getattr(data, f"{cfg.part}_labels"),
        nuisance=nuisances(
            data, cfg.part, None if cfg.nuisance is None else _names(cfg, "nuisance")
        ),
        training=None if cfg.part == "train" else data.train.to(like),
        reported=reported(run_folder) if cfg.part == "test" else None,
        assumptions=assumptions,
        evidence=known,
        pairs=cfg.pairs,
        seconds=cfg.seconds,
        directory=folder / "findings",
        seed=cfg.seed,
        image_shape=data.data_set.image_shape,
        label_names=data.data_set.label_names,
        card=run_card(run_folder, data),
        progress=True,
    )
    print(report)
    for suffix in cfg.formats:
        print(f"written to {shown(report.save(folder / f'{REPORT}.{suffix}'))}")
    complaints = failures(report, hold, before)
    for complaint in complaints:
        print(complaint)
    if complaints:
        raise SystemExit(1)


def nuisances(
    data: DataSplit, part: str, groups: list[str] | None
) -> dict[str, torch.Tensor] | None:
    """What the codes of a part should not tell: the data set's own, and groups that are named.

    None if nobody says anything of them.

    Raises:
        ValueError: the data set has no such group.
    """
    known = data.data_set.groups
    unknown = [name for name in groups or () if name not in known]
    if unknown:
        there = ", ".join(known) or "none"
        raise ValueError(f"nuisance={groups}: {data.name} has no group {unknown[0]!r}; {there}.")
    rows = getattr(data, f"{part}_indices")
    declared: dict[str, torch.Tensor] = getattr(data, f"{part}_nuisance")
    if groups is None:
        return declared or None
    return declared | {name: known[name].codes[rows] for name in groups}


def make_run(folder: Path, overrides: list[str]) -> None:
    """Train in a folder what a command line of ``geolatent train`` describes, if it is not done.

    Raises:
        ValueError: the folder holds a run with other settings.
    """
    cfg = compose_config("train", [*overrides, f"run_id={folder.name}"])
    if not (folder / METRICS).is_file():
        train_in(folder, cfg, overrides=overrides)
        return
    data = instantiate(cfg.data, _convert_="all")
    require_same_config(folder, with_absolute_path(with_sizes(cfg, data.width)))


def chosen(cfg: DictConfig) -> list[Assumption]:
    """The assumptions of the configuration, of which `only` may take some.

    Raises:
        ValueError: one is named that is not configured, or what is configured is no assumption.
    """
    configured = {str(name): node for name, node in cfg.assumptions.items()}
    names = list(configured) if cfg.only is None else _names(cfg, "only")
    unknown = sorted(set(names) - set(configured))
    if unknown:
        raise ValueError(f"only={names}: no assumption {unknown[0]!r}; {', '.join(configured)}.")
    found = [instantiate(configured[name]) for name in names]
    for name, assumption in zip(names, found, strict=True):
        if not isinstance(assumption, Assumption):
            kind = type(assumption).__name__
            raise ValueError(f"assumptions.{name} is no Assumption but a {kind}.")
    return found


def reported(folder: Path) -> dict[str, float]:
    """What a run's own record says of its test part: nats an item, where it says anything."""
    file = folder / METRICS
    numbers = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    stated = {"nll": ("test_iwae", -1), "kl": ("test_kl", 1)}
    return {
        name: sign * float(numbers[key])
        for name, (key, sign) in stated.items()
        if numbers.get(key) is not None
    }


def verdicts(file: Path) -> dict[str, str]:
    """The verdicts of an earlier audit.json.

    Raises:
        ValueError: there is no such report.
    """
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return {name: finding["verdict"] for name, finding in content["findings"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"baseline={file} is no audit.json: {error}.") from error


def failures(report: AuditReport, hold: list[str], before: Mapping[str, str] | None) -> list[str]:
    """What a build should fail for, in sentences."""
    found = [
        f"{name} is asked to hold but is {report[name].verdict}"
        for name in hold
        if report[name].verdict != "holds"
    ]
    for name, verdict in (before or {}).items():
        now = report[name].verdict if name in report else "not tested"
        if now != verdict:
            found.append(f"{name} was {verdict} and is {now}")
    return found


def _names(cfg: DictConfig, setting: str) -> list[str]:
    if not OmegaConf.is_list(cfg[setting]):
        raise ValueError(f"{setting}={cfg[setting]!r}: a list is needed, {setting}=[flat].")
    return [str(name) for name in cfg[setting]]
