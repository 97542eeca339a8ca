"""Counts on a logarithmic scale, for networks that read them."""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from typing_extensions import override


@final
class LogCounts(nn.Module):
    """x ↦ log(1 + x), entry by entry: what an encoder of counts begins with.

    The likelihood still describes the counts. Read as they are, a few of the largest would fill
    every unit of the first layer.
    """

    @override
    def forward(self, x: Float[Tensor, "*b p"]) -> Float[Tensor, "*b p"]:
        return torch.log1p(x)
