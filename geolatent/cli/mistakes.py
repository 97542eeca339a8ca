"""What a user did wrong, in one line, from an exception of Hydra or of the library."""

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from hydra import compose
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import (
    HydraException,
    InstantiationException,
    MissingConfigException,
    OverrideParseException,
)
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from geolatent.cli.configuration import configurations
from geolatent.data import MissingExtra

# ArithmeticError: a training run that diverged, a likelihood that beats its floor.
_MISTAKES = (ValueError, OSError, ArithmeticError, MissingExtra)
_MISSING = re.compile(r"Missing mandatory value: (\S+)")


def mistake_in_call(error: BaseException) -> str | None:
    """What to say to an error while a command runs; None if it is not of the user's making.

    Hydra wraps what a constructor raised in two layers of its own: the constructor's message is
    the useful one, with the place in the configuration in front.
    """
    place, inner = "", error
    while isinstance(inner, InstantiationException) and inner.__cause__ is not None:
        place = place or _full_key(str(inner))
        inner = inner.__cause__
    if isinstance(error, InstantiationException):
        return f"{place}: {_line(inner)}" if place else _line(inner)
    if isinstance(error, MissingConfigException) and error.options and error.missing_cfg_file:
        group, _, choice = error.missing_cfg_file.rpartition("/")
        return _no_such_choice(group, choice, sorted(error.options))
    if isinstance(error, (*_MISTAKES, HydraException, OmegaConfBaseException)):
        return _line(error)
    return None


def mistake_in_flags(message: str, command: str, arguments: Sequence[str]) -> str:
    """What to say to a flag that does not exist."""
    for argument in arguments:
        if argument.startswith("--") and "=" in argument:
            setting = argument.lstrip("-")
            return f"{argument}: settings are written without dashes: {command} {setting}"
    return f"{message}; see geolatent {command} --help"


def mistake_in_settings(
    command: str, overrides: Sequence[str], config_dir: str | None = None
) -> str | None:
    """What to say to settings that do not exist; None if all of them do.

    Args:
        command: whose settings.
        overrides: as typed.
        config_dir: the value of ``--config-dir``.
    """
    if config_dir is not None and not Path(config_dir).is_dir():
        return f"--config-dir {config_dir}: there is no such folder."
    try:
        places = _search_path(OverridesParser.create().parse_overrides(list(overrides)))
    except OverrideParseException as error:
        said = f"{error.override}: not of the form setting=value ({_line(error)})"
        if error.override and "=[" in error.override:
            said += "; settings inside a list want quotes: training=['data=digits','dim=3']"
        return said
    if config_dir is not None:
        places.append(f"file://{Path(config_dir).resolve()}")
    with configurations(places) as loader:
        # Once more, since glob(...) is only known with the files.
        parsed = OverridesParser.create(config_loader=loader).parse_overrides(list(overrides))
        options = {
            override.key_or_group: sorted(loader.get_group_options(override.key_or_group))
            for override in parsed
        }
        for override in parsed:
            known = options[override.key_or_group]
            for choice in _choices(override) if known else ():
                if choice not in known:
                    return _no_such_choice(override.key_or_group, choice, known)
        chosen = [_first(override) for override in parsed if options[override.key_or_group]]
        try:
            settings = list(_settings(compose(command, overrides=chosen)))
        except (HydraException, OmegaConfBaseException) as error:
            return _line(error)
        for override in parsed:
            key = override.key_or_group
            for name in _choices(override) if key == "run_id" else ():
                if name in ("", ".", "..") or "/" in name or "\\" in name:
                    return f"run_id={name}: the name of one folder under runs/, not a path."
            free = override.is_add() or override.is_force_add() or key.startswith("hydra")
            if not (free or options[key] or key in settings):
                return _no_such_setting(key, settings)
    return None


def _search_path(overrides: Iterable[Override]) -> list[str]:
    """Where ``hydra.searchpath=[...]`` says to look further."""
    places: list[str] = []
    for override in overrides:
        value = override.value() if override.key_or_group == "hydra.searchpath" else None
        places += [str(place) for place in value] if isinstance(value, list) else []
    return places


def _no_such_choice(group: str, choice: str, known: Sequence[str]) -> str:
    return f"{group}={choice}: no such choice{_guess(choice, known)} Known: {', '.join(known)}."


def _no_such_setting(key: str, settings: Sequence[str]) -> str:
    """Nearest by its last word first: what is missing is often the name of the group."""
    last = key.rpartition(".")[2]
    same = [setting for setting in settings if setting.rpartition(".")[2] == last]
    guess = f"; did you mean {same[0]}?" if same else _guess(key, settings)
    parent = key.rpartition(".")[0]
    inside = [s for s in settings if s.rpartition(".")[0] == parent]
    where = f"in {parent}" if parent else "at the top"
    names = ", ".join(sorted(s.rpartition(".")[2] for s in inside))
    return f"{key}: no such setting{guess}" + (f" Known {where}: {names}." if names else "")


def _guess(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else "."


def _choices(override: Override) -> Iterator[str]:
    """All values that an override of a group asks for, those of a sweep too."""
    if override.is_delete():
        return
    if override.is_sweep_override():
        if override.is_discrete_sweep():
            yield from (str(value) for value in override.sweep_string_iterator())
        return
    value = override.value()
    for item in value if isinstance(value, list) else [value]:
        if item is not None:
            yield str(item)


def _first(override: Override) -> str:
    """The override itself, or the first of the overrides that its sweep stands for."""
    if override.is_sweep_override():
        return f"{override.get_key_element()}={next(_choices(override))}"
    line = override.input_line
    assert line is not None  # it came from the command line
    return line


def _settings(cfg: DictConfig, above: str = "") -> Iterator[str]:
    """The dotted names of all settings."""
    for name in map(str, cfg):
        if name == "_target_":
            continue
        key = f"{above}{name}"
        yield key
        node = cfg._get_node(name)
        if isinstance(node, DictConfig) and not node._is_none() and not node._is_missing():
            yield from _settings(node, f"{key}.")


def _full_key(message: str) -> str:
    """Hydra's messages end in ``full_key: latent.manifold``."""
    _, _, key = message.rpartition("full_key: ")
    return key.strip() if key != message else ""


def _line(error: BaseException) -> str:
    """The message of an error as one paragraph, without OmegaConf's internals."""
    missing = _MISSING.search(str(error))
    if missing:
        return f"{missing[1]} is needed and has no value: say {missing[1]}=..."
    lines = [line.strip() for line in str(error).splitlines()]
    kept = [line for line in lines if line and not line.startswith(("full_key:", "object_type="))]
    return " ".join(kept) or type(error).__name__
