"""Functions whose gradient is known in closed form."""

from abc import ABC, abstractmethod
from typing import Any, final

import torch
from torch import Tensor
from torch.autograd.forward_ad import unpack_dual
from typing_extensions import override


class ClosedGradient(ABC):
    """A function of tensors that is one node of torch's graph, with a gradient written by hand.

    A composition of small operations costs as many nodes in the forward pass and twice as many in
    the backward pass, which for a few numbers an item is what training spends its time on. Here
    both run unrecorded. Where more than a gradient is asked of it (higher derivatives, forward
    mode, transformations of `torch.func`), the composition takes over, so that those are right to
    every order.
    """

    @abstractmethod
    def composition(self, *inputs: Tensor) -> Any:
        """The function in torch's functions, differentiable to every order: a tensor or several."""

    @abstractmethod
    def value(self, *inputs: Tensor) -> tuple[Any, tuple[Tensor, ...]]:
        """The same value, and what the gradient needs of its making beside the inputs."""

    @abstractmethod
    def gradient(
        self, inputs: tuple[Tensor, ...], made: tuple[Tensor, ...], *upstream: Tensor
    ) -> tuple[Tensor | None, ...]:
        """Gradients of the inputs from those of the outputs."""

    def __call__(self, *inputs: Tensor) -> Any:
        """The value."""
        # A node of Python's would get second derivatives in forward mode wrong without a word, so
        # that it is not to be seen there. torch asks itself in the same way.
        if torch._C._are_functorch_transforms_active() or any(
            unpack_dual(tensor).tangent is not None for tensor in inputs
        ):
            return self.composition(*inputs)
        return _Node.apply(self, *inputs)


@final
class _Node(torch.autograd.Function):
    @staticmethod
    @override
    def forward(ctx: Any, function: ClosedGradient, *inputs: Tensor) -> Any:
        ctx.function, ctx.count = function, len(inputs)
        value, made = function.value(*inputs)
        ctx.save_for_backward(*inputs, *made)
        return value

    @staticmethod
    @override
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        saved = ctx.saved_tensors  # once: a checkpoint gives its tensors away
        inputs, made = saved[: ctx.count], saved[ctx.count :]
        if not torch.is_grad_enabled():
            return None, *ctx.function.gradient(inputs, made, *upstream)
        # To be differentiated again: recorded, in the composition, of fresh tensors: one input
        # may be a function of another, whose gradient is not for this node to give.
        fresh = [x.view_as(x) if x.requires_grad else x for x in inputs]
        needed = [tensor for tensor in fresh if tensor.requires_grad]
        outputs = ctx.function.composition(*fresh)
        outputs = (outputs,) if isinstance(outputs, Tensor) else outputs
        found = iter(torch.autograd.grad(outputs, needed, upstream, create_graph=True))
        return None, *(next(found) if tensor.requires_grad else None for tensor in inputs)
