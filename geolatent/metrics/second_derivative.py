"""Second derivatives of per-code functions, by forward mode in forward mode."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import jvp, vmap


def second_derivative(
    function: Callable[[Tensor], Tensor],
    z: Float[Tensor, "*b d"],
    u: Float[Tensor, "*b d"],
    v: Float[Tensor, "*b d"],
) -> Float[Tensor, "*b p"]:
    r"""One second directional derivative, :math:`D^2φ(z)[u, v]`, exactly and without a Hessian.

    Args:
        function: φ, `(*b, d) -> (*b, p)`, without mixing of the batch.
        z: codes, `(*b, d)`.
        u: first direction for each code, `(*b, d)`.
        v: second direction, `(*b, d)`.

    Returns:
        `(*b, p)`.
    """

    def along_u(codes: Tensor) -> Tensor:
        return jvp(function, (codes,), (u,))[1]

    return jvp(along_u, (z,), (v,))[1]


def second_derivatives(
    function: Callable[[Tensor], Tensor], z: Float[Tensor, "*b d"]
) -> Float[Tensor, "*b p d d"]:
    r"""All second derivatives, :math:`∂_i ∂_j φ(z)`, at about d(d + 1)/2 times the cost of one.

    Args:
        function: φ, `(*b, d) -> (*b, p)`, without mixing of the batch.
        z: codes, `(*b, d)`.

    Returns:
        `(*b, p, d, d)`, symmetric.
    """
    size = z.shape[-1]
    basis = torch.eye(size, dtype=z.dtype, device=z.device)
    first, second = torch.triu_indices(size, size, device=z.device)

    def pair(u: Tensor, v: Tensor) -> Tensor:
        return second_derivative(function, z, u.expand_as(z), v.expand_as(z))

    pairs = vmap(pair)(basis[first], basis[second]).movedim(0, -1)
    where = torch.empty(size, size, dtype=torch.long, device=z.device)
    where[first, second] = where[second, first] = torch.arange(len(first), device=z.device)
    return pairs[..., where]
