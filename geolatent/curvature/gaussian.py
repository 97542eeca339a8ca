"""Gaussian curvature."""

import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.curvature.sectional import sectional
from geolatent.metrics.metric import Metric
from geolatent.metrics.require_codes import require_codes


@torch.no_grad()
def gaussian(metric: Metric, z: Float[Tensor, "*b 2"]) -> Float[Tensor, "*b"]:
    r"""Gaussian curvature of a two-dimensional metric.

    .. math:: K = \frac{R_{1221}}{\det G}

    Args:
        metric: on codes; its immersion or matrix twice differentiable in forward mode.
        z: codes, `(*b, 2)`.

    Returns:
        K, `(*b,)`, in inverse squared units of length; NaN where the metric is singular.

    Raises:
        ValueError: the codes are not two-dimensional.
    """
    require_codes(metric, z)
    if z.shape[-1] != 2:
        raise ValueError(
            f"Gaussian curvature is that of surfaces, but codes have {z.shape[-1]} dimensions; use "
            "sectional, ricci or scalar."
        )
    first, second = torch.eye(2, dtype=z.dtype, device=z.device)
    return sectional(metric, z, first.expand_as(z), second.expand_as(z))
