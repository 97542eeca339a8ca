"""The first word of the command line, through the real entry point."""

import subprocess
import sys

import pytest

from geolatent import __version__
from geolatent.cli import main
from geolatent.cli.entry import COMMANDS


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]])
def test_help_names_every_command(arguments, capsys):
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert all(f"  {command}" in said for command in COMMANDS)
    assert "\033" not in said  # no colours into a pipe


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == f"geolatent {__version__}"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["trian"], "did you mean train?"),
        (["interpolation"], "did you mean interpolate?"),
        (["xyz"], "Known: train, interpolate, audit, sensitivity, calibrate, demo, reproduce."),
        (["latent=hyperbolic"], "for example: geolatent train latent=hyperbolic"),
        (["-m", "seed=0,1"], "for example: geolatent train -m seed=0,1"),
    ],
)
def test_an_unknown_command_is_answered_with_the_nearest(arguments, said, capsys):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["trian"]])
def test_nothing_heavy_is_imported_before_a_command_is_known(arguments):
    script = (
        "import sys; from geolatent.cli import main; main(sys.argv[1:]);"
        "heavy = {'torch', 'hydra', 'omegaconf', 'numpy', 'rich', 'matplotlib', 'geoopt'};"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
