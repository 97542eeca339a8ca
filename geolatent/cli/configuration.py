"""Where configurations come from, and composing one without running anything."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hydra import compose, initialize_config_dir, version
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.config_loader import ConfigLoader
from hydra.core.config_search_path import ConfigSearchPath, SearchPathQuery
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import DictConfig, OmegaConf

from geolatent.cli.folder_name import folder_name

CONFIG_PATH_VARIABLE = "GEOLATENT_CONFIG_PATH"


def config_folder() -> Path:
    """The only copy of the configuration: inside the installed package, else the checkout's."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "configs", package.parent / "configs"):
        if (folder / "train.yaml").is_file():
            return folder
    raise FileNotFoundError(f"no configuration files beside {package}: the installation is broken.")


class UserConfigFolders(SearchPathPlugin):
    """Adds the folders of GEOLATENT_CONFIG_PATH to where Hydra looks for configurations."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Append every folder that the variable names."""
        for name in filter(None, os.environ.get(CONFIG_PATH_VARIABLE, "").split(os.pathsep)):
            folder = Path(name).expanduser().resolve()
            if not folder.is_dir():
                raise FileNotFoundError(f"{CONFIG_PATH_VARIABLE} names {folder}: no such folder.")
            search_path.append(provider=CONFIG_PATH_VARIABLE, path=f"file://{folder}")


def register() -> None:
    """Tell Hydra about the user's folders and the resolver in our configuration files."""
    Plugins.instance().register(UserConfigFolders)
    OmegaConf.register_new_resolver("geolatent.folder_name", folder_name, replace=True)


@contextmanager
def configurations(extra: Sequence[str] = ()) -> Iterator[ConfigLoader]:
    """All configurations that a command would see, for `hydra.compose` and for looking around.

    Args:
        extra: further places to look in, as in ``hydra.searchpath``.
    """
    register()
    version.setbase("1.3")
    search_path = create_config_search_path(str(config_folder()))
    for place in extra:
        search_path.prepend("command-line", place, anchor=SearchPathQuery(provider="schema"))
    Hydra.create_main_hydra2(task_name="geolatent", config_search_path=search_path)
    try:
        yield GlobalHydra.instance().config_loader()
    finally:
        GlobalHydra.instance().clear()


def compose_config(command: str, overrides: Sequence[str] = ()) -> DictConfig:
    """The configuration that a command line stands for.

    Args:
        command: ``train``, ``interpolate`` or ``demo``.
        overrides: settings as on the command line, ``["latent=hyperbolic", "seed=3"]``.

    Returns:
        The composed configuration, not yet resolved.
    """
    register()
    if GlobalHydra.instance().is_initialized():  # within a command: with its search path
        return compose(command, overrides=list(overrides))
    with initialize_config_dir(str(config_folder()), version_base="1.3"):
        return compose(command, overrides=list(overrides))
