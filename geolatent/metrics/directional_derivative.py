"""Derivatives along vectors by reverse mode, of a function that is evaluated once.

Shapes are not checked at run time here: an integrator calls this a thousand times, and the checks
of its callers say as much.
"""

from typing import final

import torch
from torch import Tensor


@final
class DirectionalDerivative:
    r"""Derivatives of y = f(z) along any vectors, differentiable again.

    A gradient :math:`J^\top w` is linear in w: its own gradient with respect to w is the product Jv
    with a vector. For small networks that takes a quarter of the time of forward mode, whose
    products with constants are costly in torch, and half of it for large ones (measured with
    torch 2.13); and it does not need forward-mode formulas of a decoder.

    Args:
        value: y, `(b, ...)`, computed from z with gradients enabled, without mixing of the batch.
        leaf: z, `(b, d)`, requiring a gradient.
    """

    def __init__(self, value: Tensor, leaf: Tensor) -> None:
        self._value = value
        self._weight = torch.zeros_like(value).requires_grad_()
        with torch.enable_grad():
            self._pulled = _gradient(value, leaf, self._weight, differentiable=True)

    def along(self, vectors: Tensor, *, differentiable: bool = False) -> Tensor:
        """The derivative along one vector for each item, Jv, `(b, ...)`."""
        with torch.enable_grad():
            return _gradient(self._pulled, self._weight, vectors, differentiable=differentiable)

    def columns(self, *, required: bool = False, differentiable: bool = False) -> Tensor:
        """The derivatives along all coordinates, J, `(b, ..., d)`.

        Args:
            required: whether a value that seems not to depend on z is a mistake. A first
                derivative of it has no second one, and seems so, if it is constant or if the
                decoder can be differentiated once only.
            differentiable: whether the columns keep the graph that they come from.
        """
        count, size = self._pulled.shape
        basis = torch.eye(size, dtype=self._pulled.dtype, device=self._pulled.device)
        if not self._pulled.requires_grad:
            return self._weight.new_zeros(*self._weight.shape, size)
        vectors = basis.unsqueeze(1).expand(size, count, size)
        (columns,) = torch.autograd.grad(
            self._pulled,
            self._weight,
            vectors,
            create_graph=differentiable,
            retain_graph=True,
            is_grads_batched=True,
            allow_unused=True,
        )
        if columns is None:
            if required:
                raise RuntimeError("the decoder can be differentiated once only")
            return self._weight.new_zeros(*self._weight.shape, size)
        return (columns if differentiable else columns.detach()).movedim(0, -1)


def _gradient(value: Tensor, leaf: Tensor, weight: Tensor, *, differentiable: bool) -> Tensor:
    if not value.requires_grad:  # constant, or linear in what comes before
        return torch.zeros_like(leaf)
    (gradient,) = torch.autograd.grad(
        value,
        leaf,
        weight,
        create_graph=differentiable,
        retain_graph=True,
        allow_unused=True,
        materialize_grads=True,
    )
    return gradient if differentiable else gradient.detach()
