"""A folder of results that belong together, each written whole or not at all."""

import json
import os
import uuid
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any, final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

_MANIFEST = "manifest.json"


@final
class BlockStore:
    """Numbered blocks of tensors in a folder, and what they were computed from.

    Processes may share the folder: the same block written twice is the same block.

    Args:
        directory: made if it is not there.
        description: what the blocks are of, as JSON; lists of numbers are compared with a
            tolerance, everything else exactly.
        slack: that tolerance, relative to the largest number of a list.

    Raises:
        ValueError: the folder holds blocks with another description.
    """

    def __init__(
        self, directory: str | os.PathLike[str], description: Mapping[str, Any], *, slack: float
    ) -> None:
        self._directory = FilePath(directory)
        self._directory.mkdir(parents=True, exist_ok=True)
        manifest = self._directory / _MANIFEST
        if not manifest.exists():
            _write_whole(manifest, json.dumps(description, indent=1).encode())
        known = json.loads(manifest.read_text())
        for name, value in description.items():
            if not _same(known.get(name), value, slack):
                raise ValueError(
                    f"{self._directory} holds results of another run: {name} differs "
                    f"({_brief(known.get(name))} there, {_brief(value)} now). Choose another "
                    "directory, or delete it."
                )

    def __contains__(self, block: int) -> bool:
        return self._file(block).exists()

    def read(self, block: int, device: torch.device) -> dict[str, Tensor] | None:
        """The tensors of a block; None if it is not there or its file is damaged."""
        try:
            return load_file(self._file(block), device=str(device))
        except (FileNotFoundError, SafetensorError):
            return None

    def write(self, block: int, tensors: dict[str, Tensor]) -> None:
        """Keep a block."""
        _write_whole(self._file(block), save(tensors))

    def _file(self, block: int) -> FilePath:
        return self._directory / f"block-{block:06d}.safetensors"


def _same(known: Any, value: Any, slack: float) -> bool:
    if not isinstance(value, list) or not isinstance(known, list) or len(known) != len(value):
        return bool(known == value)
    scale = slack * max((abs(number) for number in value if number is not None), default=0.0)
    return all(
        a is b is None or (a is not None and b is not None and abs(a - b) <= scale)
        for a, b in zip(known, value, strict=True)
    )


def _brief(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 90 else f"{text[:87]}…"


def _write_whole(path: FilePath, content: bytes) -> None:
    """Replace a file in one operation, through a name that no other process uses."""
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
