"""``geolatent sensitivity``: which choices that nobody reports move which verdict."""

import difflib
import time
from pathlib import Path

import torch
from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from geolatent.assumptions import Assumption, audit
from geolatent.assumptions.choices import Found, Point, SensitivityReport
from geolatent.cli.run_folder import shown
from geolatent.cli.sensitivity_point import leave_point
from geolatent.cli.train import train_in

FIGURE = "figure.png"
_OWN = ("audit", "assumptions", "claims", "design", "unordered", "figure")  # not of the training
_PARTS = ("train", "validation", "test")
_DTYPES = {"float32": torch.float32, "float64": torch.float64}


def run(cfg: DictConfig, folder: Path) -> float:
    """One run of the design: train, audit, leave the findings in the folder.

    Returns:
        The share of the claims that hold.
    """
    check(cfg)
    began = time.perf_counter()
    about = HydraConfig.get()
    training = OmegaConf.masked_copy(cfg, [str(name) for name in cfg if name not in _OWN])
    title = f"run {about.job.num + 1}"
    trained = train_in(folder, training, overrides=about.overrides.task, title=title)
    model, data = trained.model, trained.data
    if cfg.audit.dtype is not None:
        model = model.to(_DTYPES[cfg.audit.dtype])
    like = next(model.parameters())
    items = getattr(data, cfg.audit.part).to(like)
    with torch.no_grad():
        codes = model.encode(items)
    report = audit(
        model,
        codes,
        data=items,
        labels=getattr(data, f"{cfg.audit.part}_labels"),
        nuisance=getattr(data, f"{cfg.audit.part}_nuisance"),
        training=None if cfg.audit.part == "train" else data.train.to(like),
        assumptions=_assumptions(cfg),
        pairs=cfg.audit.pairs,
        seconds=cfg.audit.seconds,
        directory=folder / "audit" / "findings",
        seed=cfg.audit.seed,
    )
    report.save(folder / "audit" / "audit.json")
    findings = {name: Found.of(finding) for name, finding in report.items()}
    point = Point({}, findings, None, time.perf_counter() - began)
    leave_point(folder, cfg, point)
    said = ", ".join(f"{name} {found.verdict}" for name, found in findings.items())
    print(f"{title}, {about.job.override_dirname}: {said}")
    return sum(found.verdict == "holds" for found in findings.values()) / len(findings)


def check(cfg: DictConfig) -> None:
    """Raise a ValueError if a setting of the analysis or its audits is out of range."""
    if not OmegaConf.is_list(cfg.claims) or not cfg.claims:
        raise ValueError(f"claims={cfg.claims!r}: a list is needed, claims=[flat].")
    if not OmegaConf.is_list(cfg.unordered):
        raise ValueError(f"unordered={cfg.unordered!r}: a list is needed, unordered=[dim].")
    known = [str(name) for name in cfg.assumptions]
    for name in map(str, cfg.claims):
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            guess = f"; did you mean {near[0]}?" if near else "."
            raise ValueError(f"claims: no claim {name!r}{guess} Known: {', '.join(known)}.")
    if cfg.audit.part not in _PARTS:
        raise ValueError(f"audit.part={cfg.audit.part!r}: choose one of {', '.join(_PARTS)}.")
    if cfg.audit.dtype is not None and cfg.audit.dtype not in _DTYPES:
        raise ValueError(f"audit.dtype={cfg.audit.dtype!r}: choose one of {', '.join(_DTYPES)}.")
    for name in ("pairs", "seed"):
        if isinstance(cfg.audit[name], bool) or not isinstance(cfg.audit[name], int):
            raise ValueError(f"audit.{name}={cfg.audit[name]!r} must be a whole number.")


def write(report: SensitivityReport, folder: Path, *, figure: bool) -> None:
    """Write and print what the runs found."""
    report.save(folder)
    if figure:
        from geolatent.viz import save_figure, sensitivity_figure

        save_figure(sensitivity_figure(report), folder / FIGURE)
    print(report)
    for run in report.failures:
        said = ", ".join(f"{name}={level}" for name, level in run.settings.items())
        print(f"failed: {said}: {run.failure}")
    print(f"written to {shown(folder)}")


def _assumptions(cfg: DictConfig) -> list[Assumption]:
    found = [instantiate(cfg.assumptions[name]) for name in cfg.claims]
    for name, assumption in zip(cfg.claims, found, strict=True):
        if not isinstance(assumption, Assumption):
            kind = type(assumption).__name__
            raise ValueError(f"assumptions.{name} is no Assumption but a {kind}.")
    return found
