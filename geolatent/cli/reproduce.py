"""``geolatent reproduce``: a published table beside ours."""

from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from geolatent.cli.published import Request, known_experiment
from geolatent.cli.run_folder import shown, write_json
from geolatent.cli.terminal import print_table
from geolatent.storage import atomic_write

NUMBERS, TEXT = "table.json", "table.md"
_OWN = ("experiment", "run_id", "seeds", "rows", "hydra")  # not settings of a training run


def run(cfg: DictConfig, folder: Path) -> None:
    """The command: make the table, print it, write it down."""
    about = HydraConfig.get()
    experiment = known_experiment(about.runtime.choices["experiment"])
    table = experiment.make(
        Request(
            folder,
            seeds=None if cfg.seeds is None else tuple(map(_whole, cfg.seeds)),
            rows=tuple(map(str, cfg.rows or ())),
            overrides=tuple(o for o in about.overrides.task if not _is_own(o)),
        )
    )
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / NUMBERS, table.to_dict())
    atomic_write(folder / TEXT, table.to_markdown().encode())
    print(f"\n{table.title}\n{table.source}\n")
    print_table(table.to_rich())
    print()
    print_table(table.conditions_to_rich())
    print(f"\n{table.verdict}")
    for note in table.notes:
        print(f"- {note}")
    print(f"table: {shown(folder / TEXT)}")


def _is_own(override: str) -> bool:
    key = override.partition("=")[0].lstrip("+~")
    return key.partition(".")[0] in _OWN


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"seeds: {value!r} is not a whole number.")
    return value
