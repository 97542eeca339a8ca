"""Scales at which a posterior stays where its coordinates can hold it."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.manifolds import Lorentz, PoincareBall
from geolatent.numerics.safe_norm import safe_norm

_UNTOUCHED = 0.8
"""Share of the largest scale up to which scales stay what they are."""


def storable_scale(
    scale: Float[Tensor, "*#b"],
    z: Float[Tensor, "*#b d"],
    manifold: Lorentz | PoincareBall,
    *,
    stretch: float,
    growth: float = 0.0,
) -> Float[Tensor, "*#b"]:
    r"""Bound the scale of a posterior so that its points fit into hyperbolic coordinates.

    A density at points that were moved back says nothing of the mass beyond them: log q - log p has
    no lower bound there, and a large scale would be rewarded without end, that of a posterior or of
    a component of a learned prior. With R the radius up to which coordinates hold points and z the
    code of the location, the largest scale is that of

    .. math:: c\,k\,\sigma_\ast^2 + b\,\sigma_\ast = R - |z| - \tfrac{1/2 + \log 2}{k},
        \qquad k = \sqrt{-K}

    with b and c how far draws go for their scale; a Riemannian normal has its mode at
    :math:`(d - 1) k \sigma^2 + 1/2k` at most and ends :math:`(\log 2)/k` before R. Scales below
    :math:`0.8\,\sigma_\ast` stay as they are, others tend to :math:`\sigma_\ast`; values and slopes
    are continuous.

    Args:
        scale: :math:`\sigma`, of distances, (\*b).
        z: codes of locations, (\*b d).
        manifold: whose coordinates they are.
        stretch: b.
        growth: c, for a density that follows the volume.

    Returns:
        (\*b).
    """
    k = manifold.curvature.abs().sqrt()
    # As a function of a learned curvature, which sets the unit of the radius.
    unit = (k.detach() / k).to(scale)
    k = k.to(scale)
    reach = manifold.largest_radius(scale.dtype) * unit
    # A location at the limit or beyond it leaves no room; what is left keeps scales positive.
    room = (reach - safe_norm(z) - (0.5 + math.log(2)) / k).clamp(min=1e-3 * reach)
    largest = 2 * room / (stretch + (stretch**2 + 4 * growth * k * room).sqrt())
    start = _UNTOUCHED * largest
    beyond = torch.where(scale > start, scale - start, torch.zeros_like(scale))
    left = largest - start
    return torch.where(scale > start, start + left * beyond / (left + beyond), scale)
