"""What a user is told, through the real entry point: one line, exit code 2, no traceback."""

from pathlib import Path

import numpy as np
import pytest

from geolatent.cli import main

CONFIGS = Path(__file__).parents[2] / "configs"
KNOWN_LATENTS = f"Known: {', '.join(sorted(f.stem for f in CONFIGS.glob('latent/*.yaml')))}."


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 2
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    return said.removeprefix("error: ").strip()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ["latent=hyperbolc"],
            f"latent=hyperbolc: no such choice; did you mean hyperbolic? {KNOWN_LATENTS}",
        ),
        (["latent=xyz"], f"latent=xyz: no such choice. {KNOWN_LATENTS}"),
        (["-m", "latent=euclidean,hyperbolc"], "latent=hyperbolc: no such choice; did you mean"),
        (["-m", "latent=choice(euclidean,poincar)", "seed=0,1"], "did you mean poincare?"),
        (["experiment=digits_euclidian"], "did you mean digits_euclidean?"),
        (["train.epoch=5"], "train.epoch: no such setting; did you mean train.epochs?"),
        (["epochs=5"], "epochs: no such setting; did you mean train.epochs?"),
        (["latnt=euclidean"], "latnt: no such setting; did you mean latent?"),
        (["-m", "sed=0,1"], "sed: no such setting; did you mean seed?"),
        (["latent=hyperbolic", "latent.curvature=-2"], "did you mean latent.manifold.curvature?"),
        (["--latent=hyperbolic"], "settings are written without dashes: train latent=hyperbolic"),
        (["--frobnicate"], "see geolatent train --help"),
        (["hyperbolic"], "hyperbolic: not of the form setting=value"),
        (["latent=[a=b,c=d]"], "settings inside a list want quotes: "),
        (["run_id=../../oops"], "run_id=../../oops: the name of one folder under runs/"),
        (["run_id=a/b"], "run_id=a/b: the name of one folder"),
        (["run_id=.."], "run_id=..: the name of one folder"),
        (["--config-dir", "nowhere"], "--config-dir nowhere: there is no such folder."),
    ],
)
def test_typing_errors(arguments: list[str], expected: str, capsys, elsewhere: Path):
    assert expected in complaint(capsys, "train", *arguments)
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["latent.prior_scale=-1"], "latent: prior_scale must be a positive number, got -1."),
        (["latent=hyperbolic", "latent.manifold.curvature=1"], "latent.manifold: curvature=1"),
        (["likelihood.scale=0"], "likelihood: scale must be a positive number, got 0."),
        (["train.learning_rate=-1"], "train: learning_rate=-1 must be a positive"),
        (["seed=-1"], "seed=-1 must be a whole number"),
        (["dim=0"], "dim must be at least 1, got 0."),
        (["network.decoder.activation=foo"], "network.decoder: unknown activation 'foo'"),
        (["+latent.foo=1"], "unexpected keyword argument 'foo'"),
        (["data=file"], "data.path is needed and has no value: say data.path=..."),
        (["data=file", "data.path=nix.csv"], "nix.csv: there is no such file"),
        (["device=warp"], "device=warp: no such device"),
        (["network=mlp_rbf"], "use HeteroscedasticGaussian (likelihood=gaussian_rbf)"),
    ],
)
def test_values_that_make_no_sense(arguments: list[str], expected: str, capsys, elsewhere: Path):
    assert expected in complaint(capsys, "train", *arguments)
    assert list(elsewhere.rglob("*.*")) == []


def test_data_with_nan(capsys, elsewhere: Path):
    data = np.ones((30, 3))
    data[:, 0] = np.arange(30)
    data[4, 1] = np.nan
    np.save(elsewhere / "data.npy", data)
    said = complaint(capsys, "train", "data=file", "data.path=data.npy")
    assert "data.npy" in said
    assert "NaN" in said


def test_the_traceback_is_there_if_asked_for(monkeypatch, capsys):
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    assert main(["train", "dim=0"]) == 2
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert "dim must be at least 1" in said


def test_interpolating_without_a_run(capsys):
    assert "run is needed and has no value: say run=..." in complaint(capsys, "interpolate")


def test_interpolating_in_a_folder_that_does_not_exist(capsys, elsewhere: Path):
    (elsewhere / "runs" / "other").mkdir(parents=True)
    (elsewhere / "runs" / "other" / "config.yaml").write_text("seed: 0\n")
    said = complaint(capsys, "interpolate", "run=runs/nope")
    assert "run=runs/nope: this folder does not exist. Runs nearby: runs/other." in said
    assert not (elsewhere / "runs" / "nope").exists()


def test_an_error_of_our_own_is_shown_in_full(monkeypatch, capsys):
    def broken(*_: object) -> None:
        raise KeyError("ours")

    monkeypatch.setattr("geolatent.cli.train.run", broken)
    assert main(["train"]) == 1
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert "KeyError: 'ours'" in said
