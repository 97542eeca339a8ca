"""Files that are whole or not there, and what code they are of."""

from geolatent.storage.atomic_write import atomic_write, partial_path
from geolatent.storage.source_digest import class_digest, source_digest

__all__ = ["atomic_write", "class_digest", "partial_path", "source_digest"]
