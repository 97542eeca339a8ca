"""Runs a command under Hydra and says what went wrong in one line."""

import argparse
import importlib
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from geolatent.cli.configuration import config_folder, register
from geolatent.cli.mistakes import mistake_in_call, mistake_in_flags, mistake_in_settings
from geolatent.cli.run_folder import FAILURE

_FULL = "HYDRA_FULL_ERROR"


def run_command(command: str, arguments: Sequence[str]) -> int:
    """Compose the configuration, run the command once or as a sweep.

    Args:
        command: a module of this package with a function ``run(cfg, folder) -> float | None``.
        arguments: Hydra's flags and overrides.

    Returns:
        The exit code.
    """
    parser = get_args_parser()
    parser.error = _raise_usage  # type: ignore[method-assign, assignment]
    try:
        parsed = parser.parse_args(list(arguments))
    except ValueError as error:
        _complain(mistake_in_flags(str(error), command, arguments))
        return 2
    register()
    own = parsed.config_name is None and parsed.config_path is None
    mistake = mistake_in_settings(command, parsed.overrides, parsed.config_dir) if own else None
    if mistake is not None:
        _complain(mistake)
        return 2
    failures: list[int] = []
    full = os.environ.get(_FULL) == "1"
    try:
        with _environment(command, arguments):
            task = _task(command, failures, full=full)
            if command == "sensitivity" and not _asks(parsed):
                from geolatent.cli.designed_sweep import run_designed

                run_designed(command, parsed.overrides, task, parsed.config_dir)
                return 0
            decorate = hydra.main(
                config_path=str(config_folder()), config_name=command, version_base="1.3"
            )
            decorate(task)()
    except KeyboardInterrupt:
        _complain("stopped; the same command with the same run_id goes on from here.")
        return 130
    except SystemExit as stop:  # of --help, or of a sweep with failures
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except Exception as error:
        if full:
            raise
        mistake = mistake_in_call(error)
        if mistake is None:  # ours, not the user's
            raise
        _complain(mistake)
        return 2
    return failures[0] if failures else 0


def _task(command: str, failures: list[int], *, full: bool) -> Callable[[DictConfig], float | None]:
    """The function that Hydra calls for every run: a failure is told at once, not at the end."""

    def task(cfg: DictConfig) -> float | None:
        about = HydraConfig.get()
        folder = Path(about.runtime.output_dir)
        (folder / FAILURE).unlink(missing_ok=True)
        try:
            module = importlib.import_module(f"geolatent.cli.{command}")
            result: float | None = module.run(cfg, folder)
            return result
        except Exception as error:
            mistake = mistake_in_call(error)
            failures.append(1 if mistake is None or isinstance(error, ArithmeticError) else 2)
            if full or mistake is None:
                traceback.print_exc()
            which, said = "", mistake or f"{type(error).__name__}: {error}"
            if about.mode == RunMode.MULTIRUN:
                which = f"run {about.job.num} ({about.job.override_dirname}): "
                (folder / FAILURE).write_text(f"{traceback.format_exc()}\n{said}\n")
            elif folder != Path.cwd() and not any(folder.iterdir()):
                folder.rmdir()  # nothing was begun in it
            _complain(which + said)
            return float("nan")

    return task


@contextmanager
def _environment(command: str, arguments: Sequence[str]) -> Iterator[None]:
    """Hydra reads its arguments from sys.argv, and lets its exceptions out only if told to."""
    argv, before = sys.argv, os.environ.get(_FULL)
    sys.argv = [f"geolatent {command}", *arguments]
    os.environ[_FULL] = "1"
    # Before torch is imported: geoopt's scripted functions differ in the last bit between calls.
    os.environ.setdefault("PYTORCH_JIT", "0")
    try:
        yield
    finally:
        sys.argv = argv
        if before is None:
            del os.environ[_FULL]
        else:
            os.environ[_FULL] = before


def _asks(parsed: argparse.Namespace) -> bool:
    """Whether one of Hydra's flags asks for text instead of a run."""
    flags = ("help", "hydra_help", "version", "cfg", "info", "shell_completion")
    return any(bool(getattr(parsed, flag, None)) for flag in flags)


def _raise_usage(message: str) -> None:
    """Instead of argparse's page of usage."""
    raise ValueError(message)


def _complain(message: str) -> None:
    """One message on stderr, in red on a terminal."""
    label = "error:"
    if sys.stderr.isatty() and "NO_COLOR" not in os.environ:
        label = f"\033[1;31m{label}\033[0m"
    print(f"{label} {message}", file=sys.stderr)
