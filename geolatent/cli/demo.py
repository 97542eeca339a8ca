"""``geolatent demo``: whole runs, their paths, and one page to open."""

import time
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from geolatent.cli.compared_run import ComparedRun
from geolatent.cli.configuration import compose_config
from geolatent.cli.demo_page import demo_page
from geolatent.cli.interpolate import compare_pairs, draw, drawn_pairs, require_whole, save
from geolatent.cli.run_folder import shown, write_json
from geolatent.cli.terminal import print_table
from geolatent.cli.train import train_in

NUMBERS, PAGE = "demo.json", "index.html"


def run(cfg: DictConfig, folder: Path) -> None:
    """The command: train, compare, draw, write the page, print where it is."""
    start = time.perf_counter()
    if not cfg.experiments:
        raise ValueError("experiments is empty: name at least one, for example digits_euclidean.")
    require_whole(cfg, "pairs", "seed")
    settings = {
        name: compose_config("train", [f"experiment={name}", f"run_id={name}", *cfg.overrides])
        for name in cfg.experiments
    }
    for train_cfg in settings.values():  # before anything is trained
        data = instantiate(train_cfg.data, _convert_="all")
        drawn_pairs(data, part=cfg.part, pairs=cfg.pairs, seed=cfg.seed)
    results = []
    for number, (name, train_cfg) in enumerate(settings.items(), start=1):
        title = f"{number}/{len(settings)} {name}"
        found = compared_run(
            name,
            train_cfg,
            folder / name,
            title=title,
            part=cfg.part,
            pairs=cfg.pairs,
            seed=cfg.seed,
        )
        results.append(found)
        bend = found.pairs.comparison.bend()
        print(f"{title}: {bend}")
    command = " ".join(["geolatent demo", *HydraConfig.get().overrides.task])
    with Console(stderr=True).status("writing the page"):
        page = write_results(results, folder, command=command)
    print()
    print_table(results_table(results))
    seconds = time.perf_counter() - start
    print(
        f"\n{len(results)} models and their paths in {seconds:.0f} s; figures and numbers in "
        f"{shown(folder)}\nopen {shown(page)}"
    )


def compared_run(
    name: str,
    cfg: DictConfig,
    folder: Path,
    *,
    title: str,
    part: str,
    pairs: int,
    seed: int,
) -> ComparedRun:
    """Train one model from the start and compare paths between codes of random pairs.

    Args:
        name: of the experiment.
        cfg: its configuration.
        folder: for the run; what another run left there is replaced.
        title: what stands before the progress bar.
        part: whose codes.
        pairs: how many pairs.
        seed: of their draw.
    """
    start = time.perf_counter()
    trained = train_in(folder, cfg, title=title, resume=False)
    with Console(stderr=True).status(f"{title}: comparing paths of {pairs} pairs"):
        found = compare_pairs(trained.model, trained.data, part=part, pairs=pairs, seed=seed)
        save(found, folder / "interpolation")
        called = trained.cfg.about.name
        figures = draw(found, trained.model, trained.data, folder / "interpolation", name=called)
    return ComparedRun(name, trained, found, figures, time.perf_counter() - start)


def write_results(results: list[ComparedRun], folder: Path, *, command: str) -> Path:
    """Write demo.json, the figure with all models, and the page; return the page."""
    from geolatent.report import write_page
    from geolatent.viz import excess_figure, save_figure

    write_json(folder / NUMBERS, {found.name: found.numbers() for found in results})
    comparisons = {found.title: found.pairs.comparison for found in results}
    figure = excess_figure(comparisons, null=results[0].pairs.comparison.null)
    overview = save_figure(figure, folder / "excess.png")[0]
    return write_page(demo_page(results, overview, command=command), folder / PAGE)


def results_table(results: list[ComparedRun]) -> Table:
    """One row for each model: how well it fits, and how much its straight lines are longer."""
    table = Table(
        "model", "test ELBO", "IWAE", "RMSE", "median excess", "> 5 % longer", "s", box=None
    )
    for found in results:
        metrics, bend = found.run.metrics, found.pairs.comparison.bend()
        low, high = bend.share_interval
        numbers = (
            metrics.get(key, float("nan")) for key in ("test_elbo", "test_iwae", "test_rmse")
        )
        table.add_row(
            found.title,
            *(f"{number:.3g}" for number in numbers),
            f"{bend.median:.1%}",
            f"{bend.share:.0%} of {bend.pairs} ({low:.0%} to {high:.0%})",
            f"{found.seconds:.0f}",
        )
    return table
