"""Tissot's indicatrices: the unit circles of a metric."""

import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.metrics.metric import Metric
from geolatent.metrics.raised_index import orthonormal_frame
from geolatent.metrics.require_codes import require_codes


@torch.no_grad()
def indicatrix(
    metric: Metric, z: Float[Tensor, "*b 2"], *, count: int = 64
) -> Float[Tensor, "*b c 2"]:
    r"""The steps of unit length from each code, in coordinates of the codes: an ellipse.

    .. math:: \{ v : v^\top G(z) v = 1 \}

    It is small where the metric stretches codes much.

    Args:
        metric: on codes.
        z: codes, `(*b, 2)`.
        count: of points on each ellipse, the first not repeated.

    Returns:
        `(*b, count, 2)`, relative to the code; NaN for the codes where the metric is singular.

    Raises:
        ValueError: the codes are not two-dimensional, or the count is below 3.
    """
    require_codes(metric, z)
    if z.shape[-1] != 2:
        raise ValueError(f"an indicatrix is drawn in two dimensions, but codes have {z.shape[-1]}.")
    if count < 3:
        raise ValueError(f"an ellipse takes at least 3 points, got {count}.")
    angle = torch.arange(count, dtype=z.dtype, device=z.device) * (2 * torch.pi / count)
    circle = torch.stack([angle.cos(), angle.sin()], -1)
    return circle @ orthonormal_frame(metric.matrix(z)).mT
