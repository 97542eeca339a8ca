"""Gradient descent on the discrete energy with Adam: what most people write."""

from typing import final

import torch
from jaxtyping import Float
from solver import Curves, Solver, straight_nodes, through_nodes
from torch import Tensor, nn
from typing_extensions import override


@final
class AdamSolver(Solver):
    """All curves in one batch, 32 segments by default, a fixed rate for a fixed number of steps.

    Adam scales every coordinate's step by itself, so that curves of a batch do not disturb each
    other.
    """

    def __init__(
        self, *, rate: float, steps: int = 500, segments: int = 32, **limits: float
    ) -> None:
        super().__init__(f"Adam, {steps} steps at {rate:g}", family=f"Adam at {rate:g}", **limits)
        self._rate, self._steps, self._segments = rate, steps, segments

    @override
    def solve(
        self, decoder: nn.Module, start: Float[Tensor, "b d"], end: Float[Tensor, "b d"]
    ) -> Curves:
        nodes = straight_nodes(start, end, self._segments)
        inner = nodes[:, 1:-1].clone().requires_grad_()
        optimizer = torch.optim.Adam([inner], lr=self._rate)
        for _ in range(self._steps):
            optimizer.zero_grad()
            image = decoder(torch.cat([nodes[:, :1], inner, nodes[:, -1:]], dim=1))
            energy = image.flatten(2).diff(dim=1).square().sum()
            energy.backward()
            optimizer.step()
        return through_nodes(torch.cat([nodes[:, :1], inner.detach(), nodes[:, -1:]], dim=1))
