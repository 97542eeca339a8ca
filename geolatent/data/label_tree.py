"""How the classes of a data set descend from each other."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor


@final
@dataclass(frozen=True)
class LabelTree:
    """A rooted tree some of whose nodes are the classes of a data set.

    Args:
        parents: the parent of every node but the root, by name.

    Raises:
        ValueError: there is no root or more than one, or nodes descend from themselves.
    """

    parents: Mapping[str, str]

    def __post_init__(self) -> None:
        """Check that this is a tree."""
        roots = sorted(set(self.parents.values()) - set(self.parents))
        if len(roots) != 1:
            raise ValueError(
                f"a tree has one root, a node that is a parent and has none; here are {roots}."
            )
        for node in self.parents:
            seen = {node}
            for ancestor in self._ancestors(node):
                if ancestor in seen:
                    raise ValueError(f"{ancestor!r} descends from itself.")
                seen.add(ancestor)

    def distances(self, names: tuple[str, ...]) -> Float[Tensor, "k k"]:
        """Numbers of edges between nodes.

        Args:
            names: of the nodes, for example the label names of a data set.

        Returns:
            Symmetric, float64, with zeros on the diagonal.

        Raises:
            ValueError: a name is not in the tree.
        """
        lines = [self.line(name) for name in names]
        table = torch.zeros(len(names), len(names), dtype=torch.float64)
        for i, first in enumerate(lines):
            for j, second in enumerate(lines):
                common = sum(a == b for a, b in zip(first, second, strict=False))
                table[i, j] = len(first) + len(second) - 2 * common
        return table

    def line(self, node: str) -> tuple[str, ...]:
        """The nodes from the root to this one, both included.

        Raises:
            ValueError: the node is not in the tree.
        """
        if node not in self.parents and node not in self.parents.values():
            raise ValueError(
                f"{node!r} is not a node of the tree; it has {sorted(self.parents)} below its root."
            )
        return (*reversed(list(self._ancestors(node))), node)

    def _ancestors(self, node: str) -> Iterator[str]:
        while node in self.parents:
            node = self.parents[node]
            yield node
