"""A designed sweep: Hydra launches the runs that a design asks for."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import final

from hydra._internal.callbacks import Callbacks
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, RunMode
from hydra.utils import instantiate
from omegaconf import DictConfig, open_dict
from omegaconf.errors import OmegaConfBaseException

from geolatent.assumptions.choices import (
    Design,
    Factor,
    Point,
    SensitivityReport,
    as_factors,
)
from geolatent.cli.configuration import configurations
from geolatent.cli.run_folder import shown
from geolatent.cli.sensitivity import check, write
from geolatent.cli.sensitivity_point import finished, left_point

_EXAMPLE = "geolatent sensitivity seed=0,1,2 train.beta=0.5,1,2"


def run_designed(
    command: str,
    overrides: Sequence[str],
    task: Callable[[DictConfig], float | None],
    config_dir: str | None = None,
) -> SensitivityReport:
    """What Hydra does for a sweep, with a design in place of a product of all values.

    Hydra takes sweepers from its own namespace of packages only, to which ours may not add one.

    Args:
        command: whose configuration.
        overrides: as typed; those with several values are factors.
        task: one run, as for `hydra.main`.
        config_dir: the value of ``--config-dir``.

    Raises:
        SystemExit: with 1, after everything is written, if a run failed.
    """
    places = [] if config_dir is None else [f"file://{Path(config_dir).resolve()}"]
    with configurations(places) as loader:
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        cfg = hydra.compose_config(
            config_name=command,
            overrides=[*overrides, "hydra.mode=MULTIRUN"],
            run_mode=RunMode.MULTIRUN,
        )
        launcher = Plugins.instance().instantiate_launcher(
            hydra_context=HydraContext(config_loader=loader, callbacks=Callbacks(cfg)),
            task_function=task,
            config=cfg,
        )
        return DesignedSweep(cfg, launcher, loader).sweep(list(cfg.hydra.overrides.task))


@final
class DesignedSweep:
    """Settings with several values are factors; the design says which levels run together.

    Runs go through the launcher that is configured, here or on a cluster, and leave their findings
    in their folders; those that are finished with the same settings are not run again.

    Args:
        config: of the whole sweep.
        launcher: what starts the runs.
        loader: composes their configurations.
    """

    def __init__(self, config: DictConfig, launcher: Launcher, loader: ConfigLoader) -> None:
        self.config, self.launcher, self.loader = config, launcher, loader

    def sweep(self, arguments: list[str]) -> SensitivityReport:
        """Launch the runs of the design, then write tables and figure.

        Args:
            arguments: settings as typed.

        Raises:
            ValueError: a setting is out of its range, or nothing is varied.
            SystemExit: with 1, after everything is written, if a run failed.
        """
        check(self.config)
        factors, constant = factors_in(arguments, list(map(str, self.config.unordered)))
        design = instantiate(self.config.design, _convert_="all")
        if not isinstance(design, Design):
            raise ValueError(f"design is no Design but a {type(design).__name__}.")
        plan = design.plan(factors)
        rows = [tuple(row) for row in plan.levels.tolist()]
        chosen = {
            row: {f.name: f.levels[k] for f, k in zip(factors, row, strict=True)}
            for row in dict.fromkeys(rows)
        }
        runs: dict[tuple[int, ...], tuple[Path, DictConfig]] = {}
        refused: dict[tuple[int, ...], str] = {}
        waiting = []
        for row, settings in chosen.items():
            overrides = [*constant, *(f"{name}={level}" for name, level in settings.items())]
            try:
                cfg = self._composed(overrides)
            except (HydraException, OmegaConfBaseException) as error:
                # These levels do not go together: the others do.
                refused[row] = " ".join(str(error).split())
                continue
            runs[row] = Path(cfg.hydra.sweep.dir) / cfg.hydra.sweep.subdir, cfg
            if not finished(*runs[row]):
                waiting.append(overrides)
        done = len(chosen) - len(waiting) - len(refused)
        print(
            f"{len(chosen)} runs, {len(waiting)} to do, {done} done before, in "
            f"{shown(Path(self.config.hydra.sweep.dir))}",
            file=sys.stderr,
        )
        if waiting:
            self.launcher.launch(waiting, initial_job_idx=0)
        claims = list(map(str, self.config.claims))
        found = {
            row: Point(settings, failure=refused[row])
            if row in refused
            else left_point(*runs[row], settings, claims)
            for row, settings in chosen.items()
        }
        report = SensitivityReport(tuple(factors), design, plan, tuple(found[row] for row in rows))
        write(report, Path(self.config.hydra.sweep.dir), figure=bool(self.config.figure))
        if report.failures:
            raise SystemExit(1)
        return report

    def _composed(self, overrides: Sequence[str]) -> DictConfig:
        cfg = self.loader.load_sweep_config(self.config, list(overrides))
        with open_dict(cfg):
            cfg.hydra.job.id = cfg.hydra.job.num = 0
        return cfg


def factors_in(
    arguments: Sequence[str], unordered: Sequence[str]
) -> tuple[list[Factor], list[str]]:
    """The choices, and the settings that stay as they are."""
    parsed = OverridesParser.create().parse_overrides(list(arguments))
    found: dict[str, Factor] = {}
    constant = []
    for override in parsed:
        name = override.get_key_element()
        if not override.is_sweep_override():
            constant.append(f"{name}={override.get_value_element_as_str()}")
            continue
        ordered = False if name in unordered else None
        found[name] = Factor(name, _levels(override), ordered)
    unknown = sorted(set(unordered) - set(found))
    if unknown:
        raise ValueError(f"unordered={list(unordered)}: {unknown[0]} is not varied.")
    if not found:
        raise ValueError(f"no setting has several values: name some, as in {_EXAMPLE}")
    return as_factors(list(found.values())), constant


def _levels(override: Override) -> tuple[str, ...]:
    if not override.is_discrete_sweep():
        raise ValueError(
            f"{override.input_line}: name the levels, as in {override.get_key_element()}=0.5,1,2."
        )
    return tuple(str(level) for level in override.sweep_string_iterator())
