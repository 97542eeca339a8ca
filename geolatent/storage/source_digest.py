"""What version of the code a stored result is of."""

import hashlib
import inspect
import sys
from functools import cache
from pathlib import Path

import geolatent


@cache
def source_digest() -> str:
    """Of every line of the package: what was computed by other code is not used again."""
    digest = hashlib.sha256()
    root = Path(geolatent.__file__).parent
    for file in sorted(root.rglob("*.py")):
        digest.update(str(file.relative_to(root)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def class_digest(kind: type) -> str | None:
    """Of the file that a class is from, or of its methods if it was typed into a notebook.

    None if the source cannot be had.
    """
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    try:
        if file is not None:
            return hashlib.sha256(Path(file).read_bytes()).hexdigest()
        methods = [member for member in vars(kind).values() if inspect.isfunction(member)]
        said = "\0".join(inspect.getsource(method) for method in methods)
    except OSError:
        return None
    return hashlib.sha256(said.encode()).hexdigest()
