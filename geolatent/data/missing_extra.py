"""What is raised when an optional package is needed and absent."""

from typing import final


@final
class MissingExtra(ImportError):
    """An optional part of the installation is needed; the message says how to get it.

    Args:
        package: what could not be found.
        extra: the optional dependencies of this package that bring it.
        purpose: what it is needed for, as the beginning of a sentence.
    """

    def __init__(self, package: str, *, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs {package}, which is not installed: "
            f"pip install 'geolatent-toolkit[{extra}]'."
        )
