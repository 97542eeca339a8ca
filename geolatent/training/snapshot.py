"""The content of a checkpoint."""

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Named tensors and plain values.

    Args:
        tensors: names have a first part that says what they belong to: 'model/' (the weights),
            'best/', 'optimizer/', 'random/'.
        values: whatever JSON can hold.
    """

    tensors: dict[str, Tensor]
    values: dict[str, Any] = field(default_factory=dict)

    def part(self, prefix: str) -> dict[str, Tensor]:
        """The tensors of one part, without its name."""
        return {
            name.removeprefix(f"{prefix}/"): tensor
            for name, tensor in self.tensors.items()
            if name.startswith(f"{prefix}/")
        }
