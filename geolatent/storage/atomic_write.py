"""Write a file whole or not at all."""

import os
from pathlib import Path


def atomic_write(path: Path, content: bytes) -> None:
    """Replace a file in one operation; after an error or a crash the previous one is still whole.

    Args:
        path: the file; its folder must exist.
        content: what to write.

    Raises:
        OSError: it cannot be written, for example because the disk is full.
    """
    partial = partial_path(path)
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        previous = "The previous one is whole." if path.exists() else "There was none before."
        try:
            partial.unlink(missing_ok=True)
        except OSError:
            previous += f" {partial} is left over and can be deleted."
        raise OSError(
            error.errno,
            f"cannot write {len(content) / 1e6:.1f} MB ({error.strerror or error}). {previous} "
            "Free some space or choose another folder, and resume",
            str(path),
        ) from error
    if os.name == "posix":  # the replacement itself reaches the disk with its folder
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def partial_path(path: Path) -> Path:
    """Where the content is until it is complete: a fixed name, so that leftovers do not pile up."""
    return path.with_name(f".{path.name}.partial")
