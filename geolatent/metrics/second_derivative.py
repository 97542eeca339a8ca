"""Second derivatives of per-code functions: forward mode in forward mode, or four times reverse.

Some activations, SiLU and its like, have no forward derivative of their forward derivative.
"""

import warnings
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import jvp, vmap

from geolatent.metrics.directional_derivative import DirectionalDerivative
from geolatent.numerics.out_of_memory import is_out_of_memory


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

    Warns:
        UserWarning: the function takes the slower way.
    """
    try:
        return _forward(function, z, u, v)
    except RuntimeError as error:
        return _reverse(function, z, [u], error).along(v).squeeze(1)


def second_derivatives(
    function: Callable[[Tensor], Tensor], z: Float[Tensor, "*b d"]
) -> Float[Tensor, "*b p d d"]:
    r"""All second derivatives, :math:`∂_i ∂_j φ(z)`, at about d(d + 1)/2 times the cost of one.

    Args:
        function: φ, `(*b, d) -> (*b, p)`, without mixing of the batch.
        z: codes, `(*b, d)`.

    Returns:
        `(*b, p, d, d)`, symmetric.

    Warns:
        UserWarning: the function takes the slower way.
    """
    size = z.shape[-1]
    basis = torch.eye(size, dtype=z.dtype, device=z.device)
    first, second = torch.triu_indices(size, size, device=z.device)

    def pair(u: Tensor, v: Tensor) -> Tensor:
        return _forward(function, z, u.expand_as(z), v.expand_as(z))

    try:
        pairs = vmap(pair)(basis[first], basis[second]).movedim(0, -1)
    except RuntimeError as error:
        codes = z.reshape(-1, size)
        rows = _reverse(function, codes, [row.expand_as(codes) for row in basis], error).columns()
        found = rows.transpose(1, 2).reshape(*z.shape[:-1], -1, size, size)
        return (found + found.mT) / 2  # symmetric but for rounding
    where = torch.empty(size, size, dtype=torch.long, device=z.device)
    where[first, second] = where[second, first] = torch.arange(len(first), device=z.device)
    return pairs[..., where]


def _forward(function: Callable[[Tensor], Tensor], z: Tensor, u: Tensor, v: Tensor) -> Tensor:
    def along_u(codes: Tensor) -> Tensor:
        return jvp(function, (codes,), (u,))[1]

    return jvp(along_u, (z,), (v,))[1]


def _reverse(
    function: Callable[[Tensor], Tensor], z: Tensor, directions: list[Tensor], reason: Exception
) -> DirectionalDerivative:
    """What differentiates the first derivatives along k directions, `(b, k, p)`."""
    if is_out_of_memory(reason):
        raise reason  # a slower way needs no less
    leaf = z.detach().requires_grad_()
    with torch.enable_grad():
        first = DirectionalDerivative(function(leaf), leaf)
        first.columns(required=True)
        slopes = torch.stack([first.along(u, differentiable=True) for u in directions], 1)
    lines = str(reason).splitlines() or [type(reason).__name__]
    warnings.warn(
        f'the decoder has no second derivatives in forward mode ("{lines[0]}"); curvature takes '
        "them in reverse mode, which is several times slower.",
        stacklevel=5,
    )
    return DirectionalDerivative(slopes, leaf)
