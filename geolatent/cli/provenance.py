"""With what a run was made."""

import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from geolatent import __version__

_PACKAGES = ("torch", "geoopt", "numpy", "scipy", "scikit-learn", "hydra-core", "omegaconf")


def versions() -> dict[str, str]:
    """Versions of Python, of geolatent and of what its numbers depend on, and the platform."""
    found = {"geolatent": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    found["platform"] = platform.platform()
    found["executable"] = Path(sys.executable).name
    return found


def git_commit() -> str | None:
    """The checkout's commit, with ``-dirty`` if files differ from it; None if it is no checkout."""
    checkout = Path(__file__).resolve().parents[2]
    if not (checkout / ".git").exists():
        return None
    command = ["git", "-C", str(checkout), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return said.stdout.strip()
