"""Files that are whole or not there."""

from geolatent.storage.atomic_write import atomic_write, partial_path

__all__ = ["atomic_write", "partial_path"]
