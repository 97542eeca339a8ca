"""Designed sweeps from the command line."""

import json
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from geolatent.assumptions.choices import Found, Point
from geolatent.cli import main
from geolatent.cli.configuration import compose_config
from geolatent.cli.designed_sweep import factors_in
from geolatent.cli.sensitivity import check
from geolatent.cli.sensitivity_point import finished, leave_point, left_point

SMALL = ("claims=[immersion]", "audit.pairs=20", "run_id=s", "design=grid")


def test_a_design_is_run_once_and_goes_on(tiny: list[str], elsewhere: Path, capsys):
    sweep = ["sensitivity", "train.beta=0.5,2", *SMALL, *tiny]
    assert main(sweep) == 0
    assert "2 runs, 2 to do, 0 done before" in capsys.readouterr().err
    folder = elsewhere / "runs" / "s"
    assert {"table.md", "table.json", "table.csv", "runs.csv", "figure.png"} <= {
        file.name for file in folder.iterdir()
    }
    table = json.loads((folder / "table.json").read_text())
    assert table["factors"] == {"train.beta": ["0.5", "2"]}
    assert table["known"] == ["immersion"]
    assert len(table["runs"]) == 2
    points = sorted(folder.glob("*/point.json"))
    before = [file.stat().st_mtime_ns for file in points]
    points[1].write_text("{")
    (points[1].parent / "failed.txt").write_text("Traceback\nValueError: it stopped\n")
    assert main([*sweep, "figure=false"]) == 0
    assert "2 runs, 1 to do, 1 done before" in capsys.readouterr().err
    after = [file.stat().st_mtime_ns for file in points]
    assert after[0] == before[0]
    assert after[1] != before[1]
    assert not (points[1].parent / "failed.txt").exists()


def test_what_a_run_with_other_settings_left_is_not_taken(tmp_path: Path):
    cfg = compose_config("sensitivity")
    found = Found("holds", 0.5, (0.4, 0.6), (0.0, 1.0), "so", True)
    leave_point(tmp_path, cfg, Point({}, {"flat": found}))
    assert finished(tmp_path, cfg)
    assert left_point(tmp_path, cfg, {"dim": 2}, ["flat"]).findings == {"flat": found}
    other = compose_config("sensitivity", ["audit.pairs=9"])
    assert not finished(tmp_path, other)
    point = left_point(tmp_path, other, {"dim": 2}, ["flat"])
    assert (point.findings, point.failure) == ({}, "the run was stopped before it was audited")


def test_what_fails_is_told_and_the_rest_is_reported(tiny: list[str], elsewhere: Path, capsys):
    sweep = ["sensitivity", "latent=euclidean,torus", "latent.prior_scale=1,-1", *SMALL]
    assert main([*sweep, "figure=false", *tiny]) == 1
    assert "failed: latent=euclidean, latent.prior_scale=-1: latent: " in capsys.readouterr().out
    table = json.loads((elsewhere / "runs" / "s" / "table.json").read_text())
    runs = {tuple(run["settings"].values()): run for run in table["runs"]}
    assert runs["euclidean", "1"]["findings"]
    assert "-1" in runs["euclidean", "-1"]["failure"]  # refused by the latent space
    for scale in ("1", "-1"):  # refused by the configuration: a torus has none
        assert "latent.prior_scale" in runs["torus", scale]["failure"]
    assert table["known"] == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["claims=[strait-lines]", "seed=0,1"], "did you mean straight-lines?"),
        (["sead=0,1"], "did you mean seed?"),
        (["latent=euclidian,hyperbolic"], "did you mean euclidean?"),
        (["seed=choice(1)"], "at least two"),
    ],
)
def test_mistakes(arguments: list[str], expected: str, capsys):
    assert main(["sensitivity", *arguments]) == 2
    said = capsys.readouterr().err
    assert expected in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("arguments", "unordered", "expected"),
    [
        (["seed=1"], [], "no setting has several values"),
        (["train.beta=interval(0,1)"], [], "name the levels"),
        (["seed=0,1"], ["dim"], "dim is not varied"),
    ],
)
def test_what_is_no_factor(arguments: list[str], unordered: list[str], expected: str):
    with pytest.raises(ValueError, match=expected):
        factors_in(arguments, unordered)


def test_factors_are_the_settings_with_several_values():
    factors, constant = factors_in(
        ["dim=2,4,8", "seed=range(0,3)", "train.epochs=7", "latent=euclidean,sphere"], []
    )
    assert [factor.name for factor in factors] == ["dim", "seed", "latent"]
    assert [factor.levels for factor in factors][1:] == [("0", "1", "2"), ("euclidean", "sphere")]
    assert [factor.ordered for factor in factors] == [True, False, False]
    assert constant == ["train.epochs=7"]
    assert not factors_in(["dim=2,4"], ["dim"])[0][0].ordered


def test_settings_of_the_audit_are_checked():
    cfg = compose_config("sensitivity")
    check(cfg)
    for setting, value, expected in (
        ("claims", "flat", "a list is needed"),
        ("audit.part", "tset", "audit.part='tset'"),
        ("audit.dtype", "half", "audit.dtype='half'"),
        ("audit.pairs", 1.5, "whole number"),
    ):
        wrong = cfg.copy()
        OmegaConf.update(wrong, setting, value)
        with pytest.raises(ValueError, match=expected):
            check(wrong)


def test_without_salib_it_is_said_before_anything_is_trained(monkeypatch, capsys, elsewhere: Path):
    import sys

    monkeypatch.setitem(sys.modules, "SALib", None)
    for name in [name for name in sys.modules if name.startswith("SALib.")]:
        monkeypatch.delitem(sys.modules, name)
    assert main(["sensitivity", "seed=0,1", "run_id=s"]) == 2
    assert "pip install 'geolatent-toolkit[sensitivity]'" in capsys.readouterr().err
    assert not (elsewhere / "runs").exists()


def test_the_help_and_the_configuration_are_shown(capsys):
    assert main(["sensitivity", "--help"]) == 0
    said = capsys.readouterr().out
    assert "usage: geolatent sensitivity" in said
    assert "design: grid, morris, sobol" in said
