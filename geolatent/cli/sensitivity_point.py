"""What a run of a sensitivity analysis leaves in its folder."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from geolatent.assumptions.choices import Point, read_point
from geolatent.cli.run_folder import FAILURE
from geolatent.storage import atomic_write

POINT = "point.json"
_FREE = ("hydra", "run_id", "device", "about", "design", "unordered", "figure")


def leave_point(folder: Path, cfg: DictConfig, point: Point) -> None:
    """Write the findings of a run, with the settings that they depend on."""
    record = {"key": digest(cfg), **point.to_dict()}
    atomic_write(folder / POINT, json.dumps(record, indent=1, allow_nan=False).encode())


def digest(cfg: DictConfig) -> str:
    """Of what a run's findings depend on."""
    kept = OmegaConf.masked_copy(cfg, [str(name) for name in cfg if name not in _FREE])
    content = OmegaConf.to_container(kept, resolve=False)
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def finished(folder: Path, cfg: DictConfig) -> bool:
    """Whether a folder holds the findings of a run with these settings."""
    return _kept(folder, cfg) is not None


def left_point(
    folder: Path, cfg: DictConfig, settings: Mapping[str, Any], claims: Sequence[str]
) -> Point:
    """What a run with these settings left in its folder, or why it left nothing."""
    failed = folder / FAILURE
    if failed.is_file():
        lines = failed.read_text(encoding="utf-8").strip().splitlines()
        return Point(settings, failure=lines[-1] if lines else "no reason was left")
    point = _kept(folder, cfg)
    if point is None:
        return Point(settings, failure="the run was stopped before it was audited")
    found = {name: found for name, found in point.findings.items() if name in claims}
    return Point(settings, found, None, point.seconds)


def _kept(folder: Path, cfg: DictConfig) -> Point | None:
    """The findings in a folder, unless they are of other settings than these."""
    try:
        record = json.loads((folder / POINT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(record, dict) or record.get("key") != digest(cfg):
        return None
    return read_point(folder / POINT)
