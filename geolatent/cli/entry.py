"""The first word of the command line. Imports neither torch nor Hydra."""

import difflib
import os
import sys
from collections.abc import Sequence

from geolatent import __version__

COMMANDS = {
    "train": "train one model; with -m, a sweep over settings and seeds",
    "interpolate": "compare straight lines with geodesics in a trained model",
    "audit": "test the assumptions that a trained model rests on",
    "sensitivity": "which choices that nobody reports move which verdict",
    "calibrate": "how often an audit is wrong, on decoders of known geometry",
    "demo": "three models on digits, their paths, and one page to open",
    "reproduce": "a published table again, the published numbers beside ours",
}

_HELP = """\
{b}geolatent{r}: the geometry of latent spaces, assumed, measured and compared.

{b}usage{r}
  geolatent COMMAND [SETTING=VALUE ...]

{b}commands{r}
{commands}

{b}examples{r}
  geolatent train latent=hyperbolic data=digits train.epochs=5
  geolatent train experiment=digits_riemannian seed=1
  geolatent train data=file data.path=cells.csv data.label=type latent=euclidean
  geolatent train -m latent=euclidean,hyperbolic seed=0,1,2
  geolatent interpolate run=runs/my-run pairs=200
  geolatent audit run=runs/my-run
  geolatent sensitivity seed=0,1,2 train.beta=0.5,1,2 claims=[flat,isometric]
  geolatent demo
  geolatent reproduce experiment=tree_nagano2019

{b}more{r}
  geolatent COMMAND --help       its settings and their choices
  geolatent COMMAND --cfg job    the whole configuration, without running it
  geolatent COMMAND --config-dir DIR, or the variable GEOLATENT_CONFIG_PATH
                                 configuration files of your own
  geolatent --version

Every run has a folder under runs/ with its configuration, versions, seed, checkpoints and
numbers; run_id=NAME names it, and the same command again resumes it after an interruption.
HYDRA_FULL_ERROR=1 shows where an error comes from."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: what follows the program's name; by default what the shell gave.

    Returns:
        The exit code: 0, 1 if a run failed, 2 if what was asked for makes no sense.
    """
    command, *rest = [*(sys.argv[1:] if arguments is None else arguments), ""]
    rest = rest[:-1]
    if command in ("", "-h", "--help", "help"):
        print(help_text(bold=sys.stdout.isatty() and "NO_COLOR" not in os.environ))
        return 0
    if command in ("-V", "--version"):
        print(f"geolatent {__version__}")
        return 0
    if command not in COMMANDS:
        print(f"geolatent: {_unknown(command, rest)}", file=sys.stderr)
        return 2
    from geolatent.cli.hydra_command import run_command

    return run_command(command, rest)


def help_text(*, bold: bool = False) -> str:
    """What ``geolatent --help`` prints."""
    commands = "\n".join(f"  {name:<13}{what}" for name, what in COMMANDS.items())
    b, r = ("\033[1m", "\033[0m") if bold else ("", "")
    return _HELP.format(b=b, r=r, commands=commands)


def _unknown(command: str, rest: Sequence[str]) -> str:
    """What to say to a first word that is no command."""
    if "=" in command or command.startswith("-"):
        said = " ".join([command, *rest])
        return f"a command comes first, for example: geolatent train {said}"
    near = difflib.get_close_matches(command, COMMANDS, n=1, cutoff=0.5)
    guess = f"did you mean {near[0]}? " if near else ""
    return f"there is no command {command!r}; {guess}Known: {', '.join(COMMANDS)}."
