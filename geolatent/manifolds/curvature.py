"""The curvature of a hyperbolic space: what it has to satisfy and what it sets the scale of."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.numerics.hyperbolic_functions import log_sinhc_of_square


def negative_curvature(curvature: float | Tensor) -> Tensor:
    """Check the sectional curvature of a hyperbolic space and make a scalar tensor of it.

    Args:
        curvature: :math:`K < 0`: a number, kept in float64, or a tensor of one element, of
            which a copy is kept in its dtype.

    Returns:
        K, a tensor of shape ().

    Raises:
        ValueError: K is not a single finite negative number.
    """
    if isinstance(curvature, Tensor):
        if curvature.numel() != 1 or not curvature.is_floating_point():
            raise ValueError(
                f"curvature is a {curvature.dtype} tensor of shape {tuple(curvature.shape)}: "
                "give one floating-point number, the sectional curvature K of the whole space."
            )
        scalar = curvature.detach().clone().reshape(())
    else:
        scalar = torch.tensor(float(curvature), dtype=torch.float64)
    value = float(scalar)
    if not (math.isfinite(value) and value < 0):
        raise ValueError(
            f"curvature={value:g}, but a hyperbolic space needs a finite curvature K < 0, such as "
            "-1.0 (conventions that take c = -K or the radius 1/sqrt(-K) have to be converted); "
            "for K = 0 use Euclidean."
        )
    return scalar


def inverse_radius(curvature: Tensor, *, like: Tensor) -> Tensor:
    r"""Inverse radius of curvature, :math:`\sqrt{-K}`, with the dtype and device of the points.

    A scalar tensor of float64 would turn float32 results without batch dimensions into float64.
    """
    return (-curvature).sqrt().to(like)


def volume_distortion(
    curvature: Tensor, dim: int, squared_length: Float[Tensor, "*b"]
) -> Float[Tensor, "*b"]:
    r"""Log of the volume distortion of a hyperbolic exponential map.

    .. math:: (d - 1) \log \frac{\sinh t}{t}, \qquad t^2 = -K |u|^2

    Args:
        curvature: K < 0, a tensor of shape ().
        dim: dimension d.
        squared_length: squared Riemannian norm :math:`|u|^2` of the tangent vector, (\*b).

    Returns:
        (\*b).
    """
    return (dim - 1) * log_sinhc_of_square(-curvature.to(squared_length) * squared_length)


def resolved_radius(curvature: Tensor, dtype: torch.dtype) -> float:
    r"""Radius in a hyperbolic space up to which coordinates resolve 0.1 % of the curvature radius.

    A coordinate rounded by a relative :math:`\varepsilon` moves a point at radius r by up to
    :math:`\varepsilon \sinh(\sqrt{-K}\,r)/\sqrt{-K}`, in the Lorentz and the Poincaré model alike.

    Args:
        curvature: K < 0, a tensor of shape ().
        dtype: of the coordinates.
    """
    return math.asinh(1e-3 / torch.finfo(dtype).eps) / math.sqrt(-float(curvature))
