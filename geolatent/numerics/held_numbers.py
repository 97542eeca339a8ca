"""How many numbers a function of codes keeps in memory for each of them."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

HELD_AT_ONCE = 2**23
"""Numbers that a decoder's layers hold in one call, 32 MB in float32: the memory that a solve needs
beyond the curves themselves, unless one curve alone takes more."""

_UNSEEN = 2**14


class HeldNumbers(NamedTuple):
    """Of one code.

    Attributes:
        output: numbers that the function gives.
        graph: numbers that wait for the backward pass, the output with them.
        widest: numbers of its largest layer, held while derivatives go forward.
    """

    output: int
    graph: int
    widest: int


def held_numbers(function: Callable[[Tensor], Tensor], code: Float[Tensor, "d"]) -> HeldNumbers:
    """Measured by two evaluations: what does not grow with the batch, as weights, is not counted.

    Args:
        function: `(b, d) -> (b, ...)`, without mixing of the batch.
        code: where to evaluate it, `(d,)`.
    """
    try:
        outputs, kept = zip(*(_kept(function, code, count) for count in (1, 2)), strict=True)
    except RuntimeError as error:
        if "saved tensor hooks" not in str(error):
            raise
        # torch.func's reverse mode cannot be watched: its graph is taken for a wide network's.
        output = function(code[None]).numel()
        return HeldNumbers(output, _UNSEEN + output, output)
    output = outputs[1] - outputs[0]
    if len(kept[0]) == len(kept[1]):
        grown = [two - one for one, two in zip(*kept, strict=True)]
    else:  # layers that depend on the size of the batch
        grown = [sum(kept[1]) - sum(kept[0])]
    return HeldNumbers(output, output + max(0, sum(grown)), max(output, *grown, 0))


def _kept(function: Callable[[Tensor], Tensor], code: Tensor, count: int) -> tuple[int, list[int]]:
    sizes: list[int] = []

    def pack(tensor: Tensor) -> Tensor:
        sizes.append(tensor.numel())
        return tensor

    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(pack, lambda x: x):
        leaf = code.detach().expand(count, -1).clone().requires_grad_()
        image = function(leaf)
    return image.numel(), sizes
