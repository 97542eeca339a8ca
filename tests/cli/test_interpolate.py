"""Paths in a trained run, by the command and by its parts."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from geolatent.cli import main
from geolatent.cli.interpolate import FIGURES, compare_pairs
from geolatent.cli.load_run import load_run
from geolatent.interpolation import MEASURES
from geolatent.models import elbo


def test_the_command_writes_table_summary_and_figures(trained_run: Path, elsewhere: Path, capsys):
    assert main(["interpolate", f"run={trained_run}", "pairs=4", "output=paths", "seed=1"]) == 0
    said = capsys.readouterr().out
    assert "the straight line is more than 5% longer than the geodesic for" in " ".join(
        said.split()
    )
    assert "declared geodesic: no difference in any measure on any pair" in said
    assert "written to paths" in said
    table = pd.read_csv(elsewhere / "paths" / "paths.csv")
    assert list(table["path"].unique()) == ["linear", "assumed", "geodesic"]
    assert len(table) == 12
    ends = table[table["path"] == "linear"][["start_item", "end_item"]].to_numpy().ravel()
    assert len(set(ends)) == 8  # disjoint pairs
    summary = json.loads((elsewhere / "paths" / "summary.json").read_text())
    assert summary["pairs"] == summary["bend"]["pairs"] + summary["bend"]["failed"] == 4
    assert summary["bend_of_affine_decoder"]["greatest"] < 1e-3
    assert summary["left_out"] == {}
    effects = pd.read_csv(elsewhere / "paths" / "effects.csv")
    assert len(effects) == len(summary["effects"]) == 2 * len(MEASURES)
    for name in FIGURES:
        assert (elsewhere / "paths" / name).stat().st_size > 5000


def test_by_default_the_paths_go_into_the_folder_of_the_run(trained_run: Path, elsewhere: Path):
    shutil.copytree(trained_run, elsewhere / "runs" / "a")
    arguments = ["run=runs/a", "pairs=2", "figures=false", "paths=[linear]"]
    assert main(["interpolate", *arguments]) == 0
    written = {path.name for path in (elsewhere / "runs" / "a" / "interpolation").iterdir()}
    assert written == {"paths.csv", "summary.json"}


def test_a_path_with_settings_of_one_s_own(trained_run: Path, elsewhere: Path):
    own = ["+path@path.near=density", "path.near.strength=0.1", "path.near.centres=50"]
    arguments = ["pairs=2", "figures=false", "paths=[linear,spherical,near,graph]", "output=paths"]
    assert main(["interpolate", f"run={trained_run}", *arguments, *own]) == 0
    table = pd.read_csv(elsewhere / "paths" / "paths.csv")
    assert list(table["path"].unique()) == ["linear", "spherical", "near", "graph"]


def test_a_loaded_run_is_the_trained_model(trained_run: Path):
    cfg, data, model = load_run(trained_run)
    metrics = json.loads((trained_run / "metrics.json").read_text())
    assert not model.training
    torch.manual_seed(0)
    with torch.no_grad():
        bounds = torch.stack([elbo(model, data.test).elbo().mean() for _ in range(200)])
    # 16 and 200 draws of each of 270 items: standard errors well below the tolerance
    assert float(bounds.mean()) == pytest.approx(metrics["test_elbo"], abs=0.5)
    assert cfg.sizes.data == data.width


def test_the_seed_decides_the_pairs(trained_run: Path):
    _, data, model = load_run(trained_run)
    first, same, other = (
        compare_pairs(model, data, pairs=3, seed=seed, paths=["linear"]) for seed in (0, 0, 1)
    )
    assert torch.equal(first.start, same.start)
    assert not torch.equal(first.start, other.start)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["pairs=1000"], "ask for 1 to 135 pairs"),
        (["part=tset"], "part='tset': choose one of train, validation, test."),
        (["paths=[linear,geodesics]"], "unknown paths ['geodesics']"),
        (["paths=linear"], "paths='linear': a list is needed"),
        (["pairs=abc"], "pairs='abc' must be a whole number."),
        (["seed=1.5"], "seed=1.5 must be a whole number."),
    ],
)
def test_mistakes(arguments: list[str], expected: str, trained_run: Path, capsys):
    assert main(["interpolate", f"run={trained_run}", "output=paths", *arguments]) == 2
    said = capsys.readouterr().err
    assert expected in said
    assert "Traceback" not in said


def test_a_truncated_checkpoint(trained_run: Path, elsewhere: Path, capsys):
    shutil.copytree(trained_run, elsewhere / "broken")
    best = elsewhere / "broken" / "best.safetensors"
    best.write_bytes(best.read_bytes()[:1000])
    assert main(["interpolate", "run=broken", "pairs=2"]) == 2
    said = capsys.readouterr().err
    assert "best.safetensors is not a complete checkpoint" in said
    assert "Traceback" not in said


def test_a_missing_checkpoint(trained_run: Path, elsewhere: Path, capsys):
    shutil.copytree(trained_run, elsewhere / "broken")
    (elsewhere / "broken" / "best.safetensors").unlink()
    assert main(["interpolate", "run=broken", "pairs=2"]) == 2
    assert "best.safetensors: there is no such checkpoint" in capsys.readouterr().err


def test_data_that_have_changed_since_the_training(tiny: list[str], elsewhere: Path, capsys):
    rows = np.random.default_rng(0).normal(size=(60, 3))
    (elsewhere / "there").mkdir()
    np.save(elsewhere / "there" / "x.npy", rows)
    assert main(["train", "data=file", "data.path=there/x.npy", "run_id=a", *tiny]) == 0
    np.save(elsewhere / "there" / "x.npy", rows + rows**2)
    assert main(["interpolate", "run=runs/a", "pairs=2", "output=paths"]) == 2
    said = capsys.readouterr().err
    assert "run=runs/a: the data (x) have changed since the training. Use the original" in said
    assert not (elsewhere / "paths").exists()


def test_a_relative_data_file_is_found_from_another_folder(
    tiny: list[str], elsewhere: Path, monkeypatch
):
    np.save(elsewhere / "x.npy", np.random.default_rng(0).normal(size=(60, 3)))
    assert main(["train", "data=file", "data.path=x.npy", "run_id=a", *tiny]) == 0
    (elsewhere / "other").mkdir()
    monkeypatch.chdir(elsewhere / "other")
    load_run(elsewhere / "runs" / "a")


@pytest.mark.parametrize("output", [[], ["output=paths"]])
def test_in_a_sweep_every_job_has_its_own_folder(
    output: list[str], trained_run: Path, elsewhere: Path
):
    arguments = ["pairs=2", "figures=false", "paths=[linear]", "seed=0,1", *output]
    assert main(["interpolate", "-m", f"run={trained_run}", *arguments]) == 0
    seeds = [json.loads(path.read_text())["seed"] for path in elsewhere.rglob("summary.json")]
    assert sorted(seeds) == [0, 1]
    assert not (trained_run / "interpolation").exists()


def test_data_are_brought_to_the_model(trained_run: Path):
    _, data, model = load_run(trained_run)  # the dtype stands for the device
    found = compare_pairs(model.double(), data, pairs=2, paths=["linear"])
    assert found.codes.dtype == torch.float64
    assert len(found.table()) == 2
