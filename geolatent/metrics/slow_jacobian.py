"""Jacobians of functions that `torch.func` cannot push columns through."""

import warnings
from collections.abc import Callable
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd import Function, forward_ad
from typing_extensions import override

from geolatent.metrics.directional_derivative import DirectionalDerivative
from geolatent.numerics.out_of_memory import is_out_of_memory

Jacobian = Callable[[Tensor], Tensor]


def slow_jacobian(
    function: Callable[[Tensor], Tensor], z: Float[Tensor, "b d"], reason: Exception
) -> Jacobian:
    """The fastest way that works on these codes, and a warning that says which.

    Jacobians can be differentiated like any other result of torch: in the codes and in what else
    of the function requires gradients. Where the function can be differentiated once only, that
    raises `ValueError`.

    Args:
        function: `(b, d) -> (b, p)`, without mixing of the batch.
        z: codes to try it on, `(b, d)`.
        reason: why there is no faster one.

    Returns:
        Codes `(b, d)` to Jacobians `(b, p, d)`.

    Raises:
        Exception: `reason`, if nothing works.
    """
    if is_out_of_memory(reason):
        raise reason  # a slower way needs no less
    for way, cost in ((_by_duals, "d"), (_by_double_backward, "2 d"), (_by_rows, "p")):
        try:
            with torch.no_grad():
                jacobian = way(function, z)
        except RuntimeError as error:
            if is_out_of_memory(error):
                raise
            continue
        if not _agrees(function, z, jacobian):
            continue
        warnings.warn(
            f'the decoder cannot be differentiated by torch.func ("{_first_line(reason)}"); its '
            f"Jacobians take about {cost} evaluations, one after the other.",
            stacklevel=3,
        )
        return lambda codes: way(function, codes)
    raise reason


def _by_duals(function: Callable[[Tensor], Tensor], z: Tensor) -> Tensor:
    """One forward-mode column after the other: also where control flow depends on values."""
    columns = []
    for direction in torch.eye(z.shape[1], dtype=z.dtype, device=z.device):
        with forward_ad.dual_level():
            image = function(forward_ad.make_dual(z, direction.expand_as(z).contiguous()))
            column = forward_ad.unpack_dual(image).tangent
        if column is None:
            raise RuntimeError("no forward derivative")
        columns.append(column)
    return torch.stack(columns, -1)


def _by_double_backward(function: Callable[[Tensor], Tensor], z: Tensor) -> Tensor:
    """Columns by reverse mode over reverse mode."""
    _refuse_tangents(z)
    tracked = _is_tracked(function, z)
    leaf = z if z.requires_grad and tracked else z.detach().requires_grad_()
    with torch.enable_grad():
        derivative = DirectionalDerivative(function(leaf), leaf)
    return derivative.columns(required=True, differentiable=tracked)


def _by_rows(function: Callable[[Tensor], Tensor], z: Tensor) -> Tensor:
    """One backward pass for each feature."""
    _refuse_tangents(z)
    leaf = z.detach().requires_grad_()
    with torch.enable_grad():
        total = function(leaf).sum(0).unbind()
    rows = [torch.autograd.grad(feature, leaf, retain_graph=True)[0] for feature in total]
    jacobian = torch.stack(rows, 1)
    return _NoDerivative.apply(jacobian, function(z)) if _is_tracked(function, z) else jacobian


def _refuse_tangents(z: Tensor) -> None:
    """Raise inside forward mode, which reverse mode would leave without a word."""
    if forward_ad.unpack_dual(z).tangent is not None:
        raise RuntimeError("Jacobians by reverse mode have no forward derivative")


def _is_tracked(function: Callable[[Tensor], Tensor], z: Tensor) -> bool:
    """Whether anybody may ask for derivatives of a Jacobian, in codes or in parameters."""
    return torch.is_grad_enabled() and (z.requires_grad or function(z[:1]).requires_grad)


@final
class _NoDerivative(Function):
    """A value that depends on what an image depends on, nobody knows how."""

    @staticmethod
    @override
    def forward(ctx: Any, value: Tensor, image: Tensor) -> Tensor:
        return value.clone()

    @staticmethod
    @override
    def backward(ctx: Any, *weights: Tensor) -> tuple[Tensor | None, ...]:
        raise ValueError(
            "the decoder can be differentiated once only (it has an autograd.Function whose "
            "backward pass has no derivative), but this takes derivatives of its Jacobian, as "
            "everything does that bends curves in a metric given by a matrix: make its backward "
            "pass of differentiable operations, or take the PullbackMetric itself."
        )


def _agrees(function: Callable[[Tensor], Tensor], z: Tensor, jacobian: Tensor) -> bool:
    """Whether one backward pass, which is all that some functions have, says the same.

    Differentiating through a function that can be differentiated once only loses its part without
    a word.
    """
    leaf = z.detach().requires_grad_()
    with torch.enable_grad():
        image = function(leaf)
    weight = torch.cos(torch.arange(image.numel(), device=z.device)).to(image).view_as(image)
    (pulled,) = torch.autograd.grad(image, leaf, weight)
    expected = (weight.unsqueeze(-2) @ jacobian).squeeze(-2)
    slack = torch.finfo(z.dtype).eps ** 0.5
    return torch.allclose(pulled, expected, rtol=slack, atol=slack * float(pulled.abs().max()))


def _first_line(reason: Exception) -> str:
    return (str(reason).splitlines() or [type(reason).__name__])[0]
