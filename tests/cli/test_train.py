"""Runs through the real entry point: folders, sweeps, resuming, configurations of one's own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf

from geolatent.cli import main
from geolatent.cli.load_run import load_run

ROOT = Path(__file__).resolve().parents[2]


def test_a_run_leaves_its_configuration_versions_seed_and_numbers(
    tiny: list[str], elsewhere: Path, capsys
):
    assert main(["train", "latent=hyperbolic", "data=digits", "seed=3", "run_id=a", *tiny]) == 0
    folder = elsewhere / "runs" / "a"
    assert "run: runs/a" in capsys.readouterr().out
    cfg = OmegaConf.load(folder / "config.yaml")
    assert cfg.seed == cfg.train.seed == 3
    assert cfg.latent.manifold.curvature == -1
    assert "${" not in (folder / "config.yaml").read_text()
    facts = json.loads((folder / "run.json").read_text())
    assert facts["seed"] == 3
    assert "latent=hyperbolic" in facts["overrides"]
    assert {"python", "torch", "geolatent", "geoopt", "platform"} <= set(facts["versions"])
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["epochs"] == 2
    assert metrics["test_elbo"] == metrics["test_log_likelihood"] - metrics["test_kl"]
    assert metrics["test_iwae"] >= metrics["test_elbo"] - 1e-3
    assert len((folder / "log.csv").read_text().splitlines()) == 3
    assert str(elsewhere) not in (folder / "config.yaml").read_text()


def test_the_same_command_gives_the_same_weights_and_another_seed_others(tiny: list[str]):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert main(["train", f"run_id={name}", f"seed={seed}", *tiny]) == 0
    first, same, other = (
        load_run(Path("runs") / name)[2].encoder.state_dict() for name in ("a", "b", "c")
    )
    assert all(torch.equal(first[key], same[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)


def test_a_run_is_resumed_by_its_run_id(tiny: list[str], elsewhere: Path):
    assert main(["train", "run_id=a", *tiny]) == 0
    log = elsewhere / "runs" / "a" / "log.csv"
    before = log.read_text().splitlines()
    assert main(["train", "run_id=a", *tiny, "train.epochs=4"]) == 0
    resumed = log.read_text().splitlines()
    assert resumed[:3] == before  # with the seconds that each epoch took: not run again
    assert len(resumed) == 5
    assert main(["train", "run_id=b", *tiny, "train.epochs=4"]) == 0
    a, b = (load_run(Path("runs") / name)[2].state_dict() for name in ("a", "b"))
    assert all(torch.equal(a[key], b[key]) for key in a)


def test_a_run_is_not_resumed_with_other_settings(tiny: list[str], elsewhere: Path, capsys):
    assert main(["train", "run_id=a", *tiny]) == 0
    before = {path: path.read_bytes() for path in (elsewhere / "runs" / "a").iterdir()}
    assert main(["train", "run_id=a", *tiny, "latent.prior_scale=2"]) == 2
    said = capsys.readouterr().err
    assert "runs/a holds a run with other settings: latent.prior_scale (1.0 there, 2 now)" in said
    assert before == {path: path.read_bytes() for path in (elsewhere / "runs" / "a").iterdir()}


def test_a_refused_resume_changes_nothing(tiny: list[str], elsewhere: Path, capsys):
    assert main(["train", "run_id=a", *tiny]) == 0
    before = {path: path.read_bytes() for path in (elsewhere / "runs" / "a").iterdir()}
    assert main(["train", "run_id=a", *tiny, "train.epochs=1"]) == 2
    assert "epochs (2 there, 1 now)" in capsys.readouterr().err
    assert before == {path: path.read_bytes() for path in (elsewhere / "runs" / "a").iterdir()}


def test_a_sweep_has_a_folder_for_each_run_and_tells_failures_at_once(
    tiny: list[str], elsewhere: Path, capsys
):
    sweep = ["-m", "latent=euclidean,hyperbolic", "latent.prior_scale=1,-1", "run_id=s"]
    assert main(["train", *sweep, *tiny]) == 1
    captured = capsys.readouterr()
    folders = {path.name: path for path in (elsewhere / "runs" / "s").iterdir() if path.is_dir()}
    assert len(folders) == 4
    for name, folder in folders.items():
        failed = "prior_scale=-1" in name
        assert (folder / "failed.txt").is_file() == failed
        assert (folder / "metrics.json").is_file() != failed
        if not failed:
            latent = name.partition("latent=")[2].partition(",")[0]
            expected = {"euclidean": "EuclideanSpace", "hyperbolic": "WrappedNormalSpace"}[latent]
            assert OmegaConf.load(folder / "config.yaml").latent._target_.endswith(expected)
    assert captured.err.count("prior_scale must be a positive number, got -1.") == 2
    assert "error: run 1 (" in captured.err
    assert "2 of 4 runs" in captured.out


def test_the_value_for_a_sweeper_is_the_validation_loss(tiny: list[str], elsewhere: Path):
    from geolatent.cli.configuration import compose_config
    from geolatent.cli.train import objective, train_in

    trained = train_in(elsewhere / "run", compose_config("train", tiny))
    assert objective(trained.metrics) == trained.metrics["validation_loss"]
    without = train_in(elsewhere / "other", compose_config("train", [*tiny, *NO_VALIDATION]))
    assert objective(without.metrics) == without.metrics["train_loss"]
    assert "test_elbo" not in without.metrics


NO_VALIDATION = ["data.validation=0", "data.test=0", "train.patience=null"]


@pytest.mark.parametrize("how", ["flag", "variable", "override"])
def test_configurations_of_the_users_own(tiny: list[str], how: str, elsewhere: Path, monkeypatch):
    mine = elsewhere / "mine" / "latent"
    mine.mkdir(parents=True)
    (mine / "wide.yaml").write_text(
        "_target_: geolatent.latents.EuclideanSpace\ndim: ${dim}\nprior_scale: 7.0\n"
    )
    flags = ["--config-dir", "mine"] if how == "flag" else []
    if how == "override":
        flags = [f"hydra.searchpath=[file://{elsewhere / 'mine'}]"]
    if how == "variable":
        monkeypatch.setenv("GEOLATENT_CONFIG_PATH", str(elsewhere / "mine"))
    assert main(["train", "latent=wide", "run_id=a", *tiny, *flags]) == 0
    assert OmegaConf.load(elsewhere / "runs" / "a" / "config.yaml").latent.prior_scale == 7.0


def test_a_script_of_the_checkout_and_the_command_are_the_same_run(elsewhere: Path):
    arguments = ["latent=poincare", "seed=4", "run_id=x", "--cfg", "job", "--resolve"]
    said = [
        subprocess.run([sys.executable, *start, *arguments], capture_output=True, text=True)
        for start in (
            [str(ROOT / "experiments" / "train.py")],
            ["-c", "import sys; from geolatent.cli import main; sys.exit(main())", "train"],
        )
    ]
    assert [done.returncode for done in said] == [0, 0], said
    assert said[0].stdout == said[1].stdout
    assert "curvature: -1.0" in said[0].stdout


@pytest.mark.parametrize("command", ["train", "interpolate", "demo"])
def test_every_script_asks_for_its_own_command(command: str):
    done = subprocess.run(
        [sys.executable, str(ROOT / "experiments" / f"{command}.py"), "--help"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert f"geolatent {command}" in done.stdout
