"""The Euclidean norm with a gradient that exists everywhere and squares that cannot overflow."""

import torch
from jaxtyping import Float
from torch import Tensor


def safe_norm(x: Float[Tensor, "*b d"]) -> Float[Tensor, "*b"]:
    r"""Euclidean norm along the last dimension, with gradient zero at the zero vector.

    .. math:: |x| = m\,\bigl|x / m\bigr|, \qquad m = \max_i |x_i|

    Zero is the subgradient of least norm at :math:`x = 0`, where the norm has no gradient. Dividing
    by the largest entry keeps the squares inside the dtype: the norm is right from its smallest
    normal number to its largest, not only between their square roots.

    Args:
        x: Vectors, (\*b d). Any finite value; infinities and NaN come through.

    Returns:
        Their norms, (\*b).
    """
    scale = x.detach().abs().amax(dim=-1, keepdim=True)
    usable = (scale > 0) & torch.isfinite(scale)
    # The norm does not depend on the scale, so holding it constant leaves every derivative right.
    scale = torch.where(usable, scale, torch.ones_like(scale))
    squares = (x / scale).square().sum(dim=-1)
    # sqrt has an infinite derivative at 0: its argument is replaced before, not its result after.
    is_zero = squares == 0
    root = torch.where(is_zero, torch.ones_like(squares), squares).sqrt()
    return torch.where(is_zero, torch.zeros_like(root), root * scale.squeeze(-1))
