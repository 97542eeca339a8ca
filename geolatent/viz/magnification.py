"""How much a decoder magnifies its latent space, and where."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.latents import LatentModel

_CODES_AT_ONCE = 4096


@torch.no_grad()
def log10_magnification(model: LatentModel, z: Float[Tensor, "m d"]) -> Float[Tensor, "m"]:
    r"""Decimal logarithm of induced volume per declared volume.

    .. math:: \log_{10} \sqrt{\det G(z) / \det G_0(z)}

    with the induced metric G and the declared one G₀ (the identity on a Euclidean space, which
    leaves the magnification factor of Bishop et al.). A ratio does not depend on coordinates.

    Args:
        model: the model.
        z: codes, `(m, d)`.

    Returns:
        One number for each code, `(m,)`; 1 means that ten units are decoded from one.

    References:
        Bishop, C. M., Svensén, M., Williams, C. K. I. (1997). Magnification factors for the GTM
        algorithm.
    """
    induced, assumed = model.induced_metric(), model.assumed_metric()
    parts = [
        torch.linalg.slogdet(induced.matrix(part).double()).logabsdet
        - torch.linalg.slogdet(assumed.matrix(part).double()).logabsdet
        for part in z.split(_CODES_AT_ONCE)
    ]
    return torch.cat(parts) / (2 * math.log(10))
