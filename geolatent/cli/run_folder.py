"""What a run leaves behind, and reading it again.

::

    runs/my-run/
        config.yaml      the whole configuration, resolved: what `load_config` reads
        run.json         versions, commit, seed, what was typed
        log.csv          one line for each epoch
        best.safetensors the weights to use
        last.safetensors what a run that was stopped goes on from
        metrics.json     the numbers, written last
        failed.txt       of a run of a sweep that ended with an error: where
"""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from geolatent.cli.provenance import git_commit, versions

CONFIG, PROVENANCE, METRICS, FAILURE = "config.yaml", "run.json", "metrics.json", "failed.txt"

_CHANGEABLE = ("train.epochs", "train.uncertainty_epochs", "device", "run_id", "about.")


def write_start(folder: Path, cfg: DictConfig, *, overrides: Sequence[str] = ()) -> None:
    """Write what is known before the work: the resolved configuration, versions and seed.

    Args:
        folder: the run's folder, made if it is missing.
        cfg: the configuration; interpolations are resolved in the copy on disk.
        overrides: what was typed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / CONFIG, OmegaConf.to_yaml(cfg, resolve=True))
    facts = {
        "seed": OmegaConf.select(cfg, "seed"),
        "overrides": list(overrides),
        "commit": git_commit(),
        "versions": versions(),
    }
    write_json(folder / PROVENANCE, facts)


def require_same_config(folder: Path, cfg: DictConfig) -> None:
    """Raise a ValueError if the folder holds a run with another configuration.

    The number of epochs may change: a run can be made longer.
    """
    if not (folder / CONFIG).is_file():
        return
    before, now = (flat_settings(_comparable(c)) for c in (read_config(folder), cfg))
    differing = [
        f"{key} ({before.get(key)!r} there, {now.get(key)!r} now)"
        for key in sorted(before.keys() | now.keys())
        if before.get(key) != now.get(key) and not key.startswith(_CHANGEABLE)
    ]
    if differing:
        raise ValueError(
            f"{folder} holds a run with other settings: {', '.join(differing[:5])}. Choose another "
            "run_id, or remove the folder."
        )


def _comparable(cfg: DictConfig) -> Any:
    return OmegaConf.to_container(cfg, resolve=True)


def flat_settings(tree: Any, above: str = "") -> dict[str, Any]:
    """Nested settings by their dotted names."""
    if not isinstance(tree, dict):
        return {above: tree}
    start = f"{above}." if above else ""
    below = (flat_settings(value, f"{start}{key}") for key, value in tree.items())
    return {key: value for part in below for key, value in part.items()}


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write numbers for people and programs; complete or not at all.

    JSON knows neither NaN nor infinity: null stands for a number that is not finite.
    """
    _write(path, json.dumps(_finite(content), indent=2, allow_nan=False) + "\n")


def _finite(content: Any) -> Any:
    """The same content with None for every number that is not finite."""
    if isinstance(content, Mapping):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def read_config(folder: Path) -> DictConfig:
    """The configuration that a run was made with.

    Raises:
        FileNotFoundError: the folder does not exist or holds no run; the message names the runs
            that do exist beside it.
    """
    if (folder / CONFIG).is_file():
        cfg = OmegaConf.load(folder / CONFIG)
        if isinstance(cfg, DictConfig):
            return cfg
        raise ValueError(f"{folder / CONFIG} is damaged: it holds no settings.")
    what = "holds no training run (no config.yaml)" if folder.is_dir() else "does not exist"
    known = _runs_near(folder)
    hint = f" Runs nearby: {', '.join(known)}." if known else " Train one: geolatent train"
    raise FileNotFoundError(f"run={folder}: this folder {what}.{hint}")


def shown(path: Path) -> str:
    """A path as one would type it: from here, if it is below."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _runs_near(folder: Path) -> list[str]:
    """Up to five runs in or beside the folder, the newest first."""
    near = folder if folder.is_dir() else folder.parent
    found = [*near.glob(f"*/{CONFIG}"), *near.glob(f"*/*/{CONFIG}")] if near.is_dir() else []
    found.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    return [str(path.parent) for path in found[:5]]


def _write(path: Path, text: str) -> None:
    # Imports torch, which nothing else here needs: a typo should be answered without it.
    from geolatent.storage import atomic_write

    atomic_write(path, text.encode())
