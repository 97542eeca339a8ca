"""Ricci and scalar curvature."""

import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.curvature.riemann import riemann
from geolatent.metrics.metric import Metric
from geolatent.metrics.raised_index import raise_index


@torch.no_grad()
def ricci(metric: Metric, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d d"]:
    r"""Ricci curvature: Ric(u, u) is d − 1 times the mean sectional curvature of planes with u.

    .. math:: Ric_{jk} = G^{il} R_{ijkl}

    The unit sphere has :math:`Ric = (d - 1) G`.

    Args:
        metric: on codes; its immersion or matrix twice differentiable in forward mode.
        z: codes, `(*b, d)`.

    Returns:
        `(*b, d, d)`, symmetric; NaN for the codes where the metric is singular.
    """
    tensor = riemann(metric, z)
    size = z.shape[-1]
    raised = raise_index(metric.matrix(z), tensor.flatten(-3)).view_as(tensor)
    return raised.diagonal(dim1=-4, dim2=-1).sum(-1).view(*z.shape[:-1], size, size)


@torch.no_grad()
def scalar(metric: Metric, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b"]:
    r"""Scalar curvature, the sum of the sectional curvatures of all ordered pairs of a frame.

    .. math:: S = G^{jk} Ric_{jk}

    The unit sphere has d(d − 1); a surface, twice its Gaussian curvature.

    Args:
        metric: on codes; its immersion or matrix twice differentiable in forward mode.
        z: codes, `(*b, d)`.

    Returns:
        `(*b,)`, in inverse squared units of length; NaN where the metric is singular.
    """
    ricci_tensor = ricci(metric, z)
    raised = raise_index(metric.matrix(z), ricci_tensor)
    return raised.diagonal(dim1=-2, dim2=-1).sum(-1)
