"""The curvature of a space: what it has to satisfy and what it sets the scale of."""

import math
from typing import Literal, final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from typing_extensions import override

from geolatent.numerics.radial_maps import radial_log_sinhc


def signed_curvature(curvature: float | Tensor, *, sign: Literal[-1, 1]) -> Tensor:
    """Check the sectional curvature of a hyperbolic space or a sphere; make a scalar tensor of it.

    Args:
        curvature: K: a number, kept in float64, or a tensor of one element, of which a copy is
            kept in its dtype.
        sign: that K has to have: -1 for a hyperbolic space, 1 for a sphere.

    Returns:
        K, a tensor of shape ().

    Raises:
        ValueError: K is not a single finite number of that sign.
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
    if not (math.isfinite(value) and sign * value > 0):
        name, relation, example, other = {
            -1: ("hyperbolic space", "K < 0", "-1.0", "Sphere"),
            1: ("sphere", "K > 0", "1.0", "Lorentz or PoincareBall"),
        }[sign]
        raise ValueError(
            f"curvature={value:g}, but a {name} needs a finite curvature {relation}, such as "
            f"{example} (conventions that take c = -K or the radius 1/sqrt|K| have to be "
            f"converted); for K = 0 use Euclidean, for the other sign {other}."
        )
    return scalar


@final
class SignedExponential(nn.Module):
    r"""A number that keeps its sign, learned by its logarithm: :math:`K = \pm e^\theta`.

    A step of an optimiser changes K by a factor, so that it cannot cross zero, where the formulae
    of a model of curved space end.

    Args:
        sign: of K.
    """

    def __init__(self, sign: Literal[-1, 1]) -> None:
        super().__init__()
        self.sign = sign

    @override
    def forward(self, theta: Float[Tensor, ""]) -> Float[Tensor, ""]:
        return self.sign * theta.exp()

    def right_inverse(self, curvature: Float[Tensor, ""]) -> Float[Tensor, ""]:
        """The logarithm that stands for a given K."""
        return curvature.abs().log()


def inverse_radius(curvature: Tensor, *, like: Tensor) -> Tensor:
    r"""Inverse radius of curvature, :math:`\sqrt{|K|}`, with the dtype and device of the points.

    A scalar tensor of float64 would turn float32 results without batch dimensions into float64.
    """
    return curvature.abs().sqrt().to(like)


def volume_distortion(curvature: Tensor, v: Float[Tensor, "*b d"]) -> Float[Tensor, "*b"]:
    r"""Log of the volume distortion of a hyperbolic exponential map.

    .. math:: (d - 1) \log \frac{\sinh t}{t}, \qquad t = \sqrt{-K}\,|v|

    Args:
        curvature: K < 0, a tensor of shape ().
        v: isometric coordinates of the tangent vector, (\*b d).

    Returns:
        (\*b).
    """
    return (v.shape[-1] - 1) * radial_log_sinhc(inverse_radius(curvature, like=v) * v)


def resolved_radius(curvature: Tensor, dtype: torch.dtype) -> float:
    r"""Radius in a hyperbolic space up to which coordinates resolve 0.1 % of the curvature radius.

    A coordinate rounded by a relative :math:`\varepsilon` moves a point at radius r by up to
    :math:`\varepsilon \sinh(\sqrt{-K}\,r)/\sqrt{-K}`, in the Lorentz and the Poincaré model alike.

    Args:
        curvature: K < 0, a tensor of shape ().
        dtype: of the coordinates.
    """
    return math.asinh(1e-3 / torch.finfo(dtype).eps) / math.sqrt(-float(curvature.detach()))
