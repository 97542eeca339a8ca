"""Arrays from numpy's own files, without unpickling anything."""

from difflib import get_close_matches
from pathlib import Path
from typing import IO, Any
from zipfile import BadZipFile
from zlib import error as ZlibError

import numpy as np

_DAMAGE = (BadZipFile, ZlibError, EOFError, OSError, ValueError, KeyError)


def read_npy(path: Path) -> np.ndarray:
    """Read an .npy file.

    Args:
        path: the file.

    Returns:
        Its array.

    Raises:
        ValueError: the file is truncated, damaged, of another kind, or holds Python objects.
    """
    with path.open("rb") as file:
        loaded = _load(file, path)
        if not isinstance(loaded, np.ndarray):
            raise ValueError(f"{path} is an .npz archive by its content: rename it to .npz.")
    return loaded


def read_npz(
    path: Path, *, key: str | None, label: str | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Read the data and, if asked for, the labels of an .npz file.

    Args:
        path: the file.
        key: name of the array with the data; None if it is the only one beside the labels.
        label: name of the array with the labels, or None.

    Returns:
        The data and the labels, None if not asked for.

    Raises:
        ValueError: the file is damaged or of another kind, or has no such array.
    """
    with path.open("rb") as file:
        archive = _load(file, path)
        if isinstance(archive, np.ndarray):
            raise ValueError(f"{path} is an .npy file by its content: rename it to .npy.")
        names = list(archive.files)
        for option, wanted in (("key", key), ("label", label)):
            if wanted is not None and wanted not in names:
                near = get_close_matches(wanted, names, n=1)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                raise ValueError(
                    f"{path}: there is no array {option}={wanted!r}.{hint} "
                    f"The file holds {_contents(archive)}."
                )
        if key is None:
            candidates = [name for name in names if name != label]
            if len(candidates) != 1:
                raise ValueError(
                    f"{path} holds {_contents(archive)}: say which one is the data with key=..., "
                    "and, if there are labels, which one with label=...."
                )
            key = candidates[0]
        return _member(archive, key, path), None if label is None else _member(archive, label, path)


def _load(file: IO[bytes], path: Path) -> Any:
    """An array, or an archive that reads its arrays from the open file when they are asked for."""
    try:
        return np.load(file, allow_pickle=False)
    except _DAMAGE as error:
        raise ValueError(_damage(str(path), error)) from error


def _member(archive: Any, key: str, path: Path) -> np.ndarray:
    """One array of an archive."""
    try:
        return np.asarray(archive[key])
    except _DAMAGE as error:
        raise ValueError(_damage(f"{path}, array {key!r}", error)) from error


def _contents(archive: Any) -> str:
    """The arrays of an archive with shape and dtype."""
    entries = []
    for name in archive.files:
        try:
            entries.append(f"{name!r} {archive[name].shape} {archive[name].dtype}")
        except _DAMAGE:
            entries.append(f"{name!r} (not readable)")
    return ", ".join(entries) or "no arrays"


def _damage(what: str, error: Exception) -> str:
    """Why an array cannot be read."""
    if str(error).startswith("Object arrays"):
        return (
            f"{what} holds Python objects, which could run code when loaded, and is not read. "
            "Convert it with array.astype(float) and save it again."
        )
    return (
        f"{what} cannot be read: the file is truncated, damaged, or of another kind than its name "
        f"says ({type(error).__name__}: {error}). Copy or save it again."
    )
