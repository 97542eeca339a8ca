"""What version of the code a stored result is of."""

import hashlib
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

import geolatent

_KNOWN = ("geolatent", "abc", "typing")  # whose source is in `source_digest`, or Python's


@cache
def source_digest() -> str:
    """Of every line of the package: what was computed by other code is not used again."""
    digest = hashlib.sha256()
    root = Path(geolatent.__file__).parent
    for file in sorted(root.rglob("*.py")):
        digest.update(str(file.relative_to(root)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def class_digest(kind: type) -> str | None:
    """Of the files that a class, its bases and what these import from beside them are from.

    None if a class has no file, as in a notebook.
    """
    files: set[Path] = set()
    for base in kind.__mro__:
        module = sys.modules.get(base.__module__)
        if base is object or base.__module__.partition(".")[0] in _KNOWN:
            continue
        file = getattr(module, "__file__", None)
        if module is None or file is None or not Path(file).is_file():
            return None
        _collect(module, Path(file).parent, files)
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _collect(module: ModuleType, folder: Path, files: set[Path]) -> None:
    """The module's file, and those that it imports from its own folder or below."""
    file = getattr(module, "__file__", None)
    if file is None or Path(file) in files or folder not in Path(file).parents:
        return
    files.add(Path(file))
    for value in list(vars(module).values()):
        name = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", "")
        other = sys.modules.get(name) if isinstance(name, str) else None
        if other is not None:
            _collect(other, folder, files)
