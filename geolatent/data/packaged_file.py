"""Files that arrive inside other packages."""

from importlib.util import find_spec
from pathlib import Path

from geolatent.data.missing_extra import MissingExtra


def packaged_file(package: str, inside: str, *, extra: str, purpose: str) -> Path:
    """Find a file of an installed package without importing it.

    Args:
        package: the package's import name.
        inside: the file's path in the package's folder.
        extra: which optional dependencies bring the package.
        purpose: what needs the file, for messages.

    Returns:
        The file.

    Raises:
        MissingExtra: the package is not installed.
        FileNotFoundError: this version of the package does not have the file.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtra(package, extra=extra, purpose=purpose)
    file = Path(spec.submodule_search_locations[0]) / inside
    if not file.is_file():
        raise FileNotFoundError(
            f"{purpose} is read from {file}, which this version of {package} does not have; "
            f"pip install 'geolatent-toolkit[{extra}]' installs one that does."
        )
    return file
