"""Jacobians of per-code functions, one forward-mode column for each coordinate."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import jvp, vmap


def forward_jacobian(
    function: Callable[[Tensor], Tensor], z: Float[Tensor, "*b d"]
) -> tuple[Float[Tensor, "*b p"], Float[Tensor, "*b p d"]]:
    """Value and Jacobian of a function that maps every code of a batch on its own.

    The d columns are pushed forward together, at about the cost of d evaluations, which for small
    d is far less than one backward pass for each output.

    Args:
        function: `(*b, d) -> (*b, p)`, without mixing of the batch.
        z: codes, `(*b, d)`.

    Returns:
        Values `(*b, p)` and Jacobians `(*b, p, d)`.
    """
    basis = torch.eye(z.shape[-1], dtype=z.dtype, device=z.device)

    def push(direction: Tensor) -> tuple[Tensor, ...]:
        return jvp(function, (z,), (direction.expand_as(z),))

    # None for the value, which is the same for every direction; torch's own annotation omits it.
    value, columns = vmap(push, out_dims=(None, 0))(basis)  # type: ignore[arg-type]
    return value, columns.movedim(0, -1)
