"""``geolatent calibrate``: how often the verdicts of an audit are wrong."""

import time
from pathlib import Path

from omegaconf import DictConfig, OmegaConf
from rich.table import Table

from geolatent.calibration import (
    SIMULATED,
    CalibratedSimulation,
    Calibration,
    run_simulation,
    simulations,
)
from geolatent.cli.folder_name import folder_name
from geolatent.cli.interpolate import require_whole
from geolatent.cli.run_folder import shown, write_json
from geolatent.cli.terminal import print_table
from geolatent.storage import atomic_write
from geolatent.viz import power_figure, save_figure


def run(cfg: DictConfig, folder: Path) -> None:
    """The command: audit simulated subjects, write and print the rates.

    Raises:
        ValueError: a claim has no simulations, or the numbers of draws are no whole numbers.
    """
    require_whole(cfg, "draws", "edge_draws")
    if min(cfg.draws, cfg.edge_draws) < 1:
        raise ValueError(f"draws={cfg.draws}, edge_draws={cfg.edge_draws}: at least 1 of each.")
    chosen = SIMULATED if cfg.only is None else _names(cfg)
    unknown = [name for name in chosen if name not in SIMULATED]
    if unknown:
        raise ValueError(f"only={list(chosen)}: no simulations of {unknown[0]!r}; {SIMULATED}.")
    done: list[CalibratedSimulation] = []
    for claim in chosen:
        began, before = time.process_time(), len(done)
        for simulation in simulations(claim):
            draws = cfg.edge_draws if simulation.side == "edge" else cfg.draws
            file = folder / "outcomes" / claim / f"{folder_name(simulation.family)}.json"
            outcomes = run_simulation(simulation, draws, file)
            done.append(CalibratedSimulation.of(simulation, outcomes))
        audits = sum(one.holds.total for one in done[before:])
        print(f"{claim}: {audits} audits, {time.process_time() - began:.0f} s", flush=True)
    calibration = Calibration(tuple(done))
    write_json(folder / "table.json", calibration.to_dict())
    atomic_write(folder / "table.md", calibration.to_markdown().encode())
    save_figure(power_figure(calibration), folder / "power.png")
    header, *rows = calibration.rows()
    table = Table(*header, box=None, header_style="bold")
    for row in rows:
        table.add_row(*row)
    print_table(table)
    print(f"table: {shown(folder / 'table.md')}, figure: {shown(folder / 'power.png')}")


def _names(cfg: DictConfig) -> tuple[str, ...]:
    if not OmegaConf.is_list(cfg.only) or not cfg.only:
        raise ValueError(f"only={cfg.only!r}: a list is needed, only=[flat].")
    return tuple(map(str, cfg.only))
