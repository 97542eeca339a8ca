r"""Maps :math:`v \mapsto f(|v|)\,v/|v|`, smooth at zero: what exponential maps are made of."""

import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.numerics.hyperbolic_functions import (
    arsinh,
    arsinhc_of_square,
    sinhc_of_square,
    tanhc_of_square,
)
from geolatent.numerics.safe_norm import safe_norm


def radial_sinh(v: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"]:
    r"""Keep the direction, replace the length by its hyperbolic sine: :math:`\sinh(|v|)\,v/|v|`.

    Args:
        v: Vectors, (\*b d). Overflows to infinity where :math:`\sinh |v|` does: 89 in float32, 710
            in float64.

    Returns:
        (\*b d).
    """
    return sinhc_of_square(v.square().sum(dim=-1, keepdim=True)) * v


def radial_tanh(v: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"]:
    r"""Keep the direction, replace the length by its hyperbolic tangent: :math:`\tanh(|v|)\,v/|v|`.

    Args:
        v: Vectors, (\*b d).

    Returns:
        (\*b d), of length below one, or one after rounding.
    """
    return tanhc_of_square(v.square().sum(dim=-1, keepdim=True)) * v


def radial_arsinh(v: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"]:
    r"""Inverse of :func:`radial_sinh`: :math:`\operatorname{arsinh}(|v|)\,v/|v|`.

    Args:
        v: Vectors, (\*b d), up to the largest number of the dtype.

    Returns:
        (\*b d).
    """
    # Above one the square could overflow, and the norm is smooth there: use the norm instead.
    is_large = (v.detach().abs().amax(dim=-1) > 1).unsqueeze(-1)
    near = torch.where(is_large, torch.zeros_like(v), v)
    far = torch.where(is_large, v, torch.ones_like(v))
    radius = safe_norm(far).unsqueeze(-1)
    factor = torch.where(
        is_large,
        arsinh(radius) / radius,
        arsinhc_of_square(near.square().sum(dim=-1, keepdim=True)),
    )
    return factor * v
