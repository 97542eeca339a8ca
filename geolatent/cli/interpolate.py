"""``geolatent interpolate``: paths between codes of a trained model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from hydra.utils import instantiate
from jaxtyping import Float, Int
from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from torch import Tensor

from geolatent.cli.load_run import load_run
from geolatent.cli.run_folder import shown, write_json
from geolatent.data import DataSplit
from geolatent.interpolation import Comparison, Interpolator, compare, random_pairs
from geolatent.models import VAE

if TYPE_CHECKING:
    import pandas as pd

TABLE, EFFECTS, SUMMARY = "paths.csv", "effects.csv", "summary.json"
FIGURES = ("most_bent.png", "first_drawn.png", "profiles.png", "excess.png", "effects.png")
_PARTS = ("train", "validation", "test")
_DRAWN = {"linear", "geodesic"}  # what figures compare


@dataclass(frozen=True)
class PairComparison:
    """Paths between codes of random pairs of items.

    Attributes:
        comparison: the paths and their measures, with the same under the affine decoder that is
            nearest to the model's: what the measurement finds where there is nothing to find.
        start: items at which they start, as rows of the part, `(b,)`.
        end: items at which they end, `(b,)`.
        codes: of all items of the part, on the model's device, `(m, d)`.
        part: which part.
        seed: of the draw.
    """

    comparison: Comparison
    start: Int[Tensor, "b"]
    end: Int[Tensor, "b"]
    codes: Float[Tensor, "m d"]
    part: str
    seed: int

    def table(self) -> "pd.DataFrame":
        """One row for each pair and kind of path, with the items that the path joins."""
        frame = self.comparison.to_frame()
        frame.insert(1, "start_item", self.start.numpy()[frame["pair"]])
        frame.insert(2, "end_item", self.end.numpy()[frame["pair"]])
        return frame

    def summary(self) -> dict[str, Any]:
        """The numbers that one would report."""
        found = self.comparison
        numbers: dict[str, Any] = {"part": self.part, "seed": self.seed, **found.to_dict()}
        if {"assumed", "geodesic"} <= set(found.paths):
            numbers["bend_of_declared_geodesics"] = found.assumed_bend().to_dict()
        if "geodesic" in found.paths and found.null is not None:
            numbers["bend_of_affine_decoder"] = found.null.bend().to_dict()
        return numbers


def run(cfg: DictConfig, job: Path) -> None:
    """The command: load a run, compare paths, write table and figures, print the summary."""
    if not OmegaConf.is_list(cfg.paths):
        raise ValueError(f"paths={cfg.paths!r}: a list is needed, paths=[linear,geodesic].")
    require_whole(cfg, "pairs", "seed")
    rules = chosen_rules(cfg)
    run_folder = Path(str(cfg.run))
    folder = output_folder(
        cfg, job, "interpolation", sweep=HydraConfig.get().mode == RunMode.MULTIRUN
    )
    waiting = Console(stderr=True)
    run_cfg, data, model = load_run(run_folder)
    with waiting.status(f"comparing paths between {cfg.pairs} pairs"):
        found = compare_pairs(
            model, data, part=cfg.part, pairs=cfg.pairs, seed=cfg.seed, paths=rules
        )
    save(found, folder)
    if cfg.figures and set(found.comparison.paths) >= _DRAWN:
        with waiting.status("drawing"):
            draw(found, model, data, folder, name=run_cfg.about.name)
    print(found.comparison)
    print(f"\nwritten to {shown(folder)}")


def chosen_rules(cfg: DictConfig) -> dict[str, Interpolator]:
    """The rules that `paths` names, as `path` describes them.

    Raises:
        ValueError: a name is not among those that `path` describes.
    """
    unknown = [name for name in cfg.paths if name not in cfg.path]
    if unknown:
        raise ValueError(f"unknown paths {unknown}; choose from {list(cfg.path)}.")
    return {name: instantiate(cfg.path[name]) for name in cfg.paths}


def require_whole(cfg: DictConfig, *names: str) -> None:
    """Raise a ValueError if one of these settings is not a whole number."""
    for name in names:
        if isinstance(cfg[name], bool) or not isinstance(cfg[name], int):
            raise ValueError(f"{name}={cfg[name]!r} must be a whole number.")


def output_folder(cfg: DictConfig, job: Path, name: str, *, sweep: bool) -> Path:
    """Where results go: `output`, by default inside the run; one folder for each job of a sweep.

    Args:
        cfg: with `run` and `output`.
        job: the folder that Hydra chose.
        name: of the folder inside the run.
        sweep: whether this is one job of several.
    """
    if cfg.output is None:
        return job if sweep else Path(str(cfg.run)) / name
    return Path(str(cfg.output)) / job.name if sweep else Path(str(cfg.output))


def compare_pairs(
    model: VAE,
    data: DataSplit,
    *,
    part: str = "test",
    pairs: int = 100,
    seed: int = 0,
    paths: Sequence[str] | Mapping[str, Interpolator] = ("linear", "assumed", "geodesic"),
) -> PairComparison:
    """Join the codes of random pairs of items, no item twice.

    Args:
        model: trained, in evaluation mode.
        data: what it was trained on; distances are to the training part.
        part: whose items: ``train``, ``validation`` or ``test``.
        pairs: how many.
        seed: of the draw.
        paths: which kinds of paths.

    Returns:
        The paths, their measures, and the pairs.

    Raises:
        ValueError: the part or a path is unknown, or the part has too few items.
    """
    start, end = drawn_pairs(data, part=part, pairs=pairs, seed=seed)
    like = next(model.parameters())
    with torch.no_grad():
        codes = model.encode(getattr(data, part).to(like))
    comparison = compare(
        model,
        codes[start],
        codes[end],
        paths=paths,
        data=data.train.to(like),
        labels=data.train_labels,
        null=True,
        seed=seed,
    )
    return PairComparison(
        comparison=comparison,
        start=start,
        end=end,
        codes=codes,
        part=part,
        seed=seed,
    )


def drawn_pairs(
    data: DataSplit, *, part: str, pairs: int, seed: int
) -> tuple[Int[Tensor, "b"], Int[Tensor, "b"]]:
    """Random pairs of items of a part, as rows of the part, on the CPU.

    Raises:
        ValueError: the part is unknown or has too few items.
    """
    if part not in _PARTS:
        raise ValueError(f"part={part!r}: choose one of {', '.join(_PARTS)}.")
    return random_pairs(len(getattr(data, part)), pairs, seed=seed)


def save(found: PairComparison, folder: Path) -> None:
    """Write paths.csv, summary.json and, where there are several paths, effects.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    found.table().to_csv(folder / TABLE, index=False)
    summary = found.summary()
    write_json(folder / SUMMARY, summary)
    if len(found.comparison.paths) > 1:
        found.comparison.effects(reference=summary["reference"]).to_csv(
            folder / EFFECTS, index=False
        )


def draw(
    found: PairComparison, model: VAE, data: DataSplit, folder: Path, *, name: str
) -> dict[str, Path]:
    """Draw the pair that bends most, the first one, all pairs in time, and how many bend.

    Args:
        found: with straight lines and geodesics.
        model: whose paths they are.
        data: what it was trained on.
        folder: where the figures go.
        name: what the model is called.

    Returns:
        The files by their names without ending.
    """
    from geolatent.viz import (
        comparison_figure,
        effects_figure,
        excess_figure,
        profiles_figure,
        save_figure,
    )

    items = getattr(data, found.part)
    about: dict[str, Any] = {
        "labels": getattr(data, f"{found.part}_labels"),
        "label_names": data.data_set.label_names or None,
        "image_shape": data.data_set.image_shape,
        "ends": (items[found.start], items[found.end]),
    }
    comparison = found.comparison
    figures = (
        comparison_figure(model, comparison, found.codes, pair="most bent", **about),
        comparison_figure(model, comparison, found.codes, pair="first drawn", **about),
        profiles_figure(model, comparison),
        excess_figure({name: comparison}, null=comparison.null),
        effects_figure(comparison),
    )
    files = {}
    for file, figure in zip(FIGURES, figures, strict=True):
        files[Path(file).stem] = save_figure(figure, folder / file)[0]
    return files
