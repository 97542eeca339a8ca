"""Sectional curvature."""

import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.curvature.riemann import normal_component, riemann
from geolatent.manifolds import ConstantCurvature
from geolatent.metrics.in_chunks import in_chunks
from geolatent.metrics.manifold_metric import ManifoldMetric
from geolatent.metrics.metric import ImmersedMetric, Metric
from geolatent.metrics.require_codes import require_codes
from geolatent.metrics.second_derivative import second_derivative


@torch.no_grad()
def sectional(
    metric: Metric,
    z: Float[Tensor, "*b d"],
    u: Float[Tensor, "*b d"],
    v: Float[Tensor, "*b d"],
) -> Float[Tensor, "*b"]:
    r"""Sectional curvature of the plane that two vectors span.

    .. math:: K(u, v) = \frac{⟨R(u, v) v, u⟩}{|u|^2 |v|^2 - ⟨u, v⟩^2}
        = \frac{⟨II(u, u), II(v, v)⟩ - |II(u, v)|^2}{|u|^2 |v|^2 - ⟨u, v⟩^2}

    For an immersion the second form is used: three second derivatives, in any dimension.

    Args:
        metric: on codes; its immersion or matrix twice differentiable in forward mode.
        z: codes, `(*b, d)`.
        u: a vector at each code, `(*b, d)`.
        v: another, `(*b, d)`.

    Returns:
        K, `(*b,)`, in inverse squared units of length; NaN where the vectors span no plane or the
        metric is singular.
    """
    require_codes(metric, z, u, v)

    def immersed(codes: Tensor, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        assert isinstance(metric, ImmersedMetric)
        jacobian = metric.jacobian(codes)
        directions = ((first, first), (second, second), (first, second))
        bends = [second_derivative(metric.immersion, codes, a, b) for a, b in directions]
        uu, vv, uv = normal_component(jacobian, torch.stack(bends, -1)).unbind(-1)
        curvature = (uu * vv).sum(-1) - uv.square().sum(-1)
        return curvature, jacobian.mT @ jacobian

    if isinstance(metric, ImmersedMetric):
        curvature, matrix = in_chunks(metric, immersed, z, u, v, evaluations=z.shape[-1] + 6)
    else:
        matrix = metric.matrix(z)
        curvature = torch.einsum("...ijkl,...i,...j,...k,...l->...", riemann(metric, z), u, v, v, u)
    pair = torch.stack([u, v], -1)
    gram = pair.mT @ matrix @ pair
    parallelogram = gram[..., 0, 0] * gram[..., 1, 1]
    area = parallelogram - gram[..., 0, 1].square()
    # The difference of two products: below their rounding error it is none.
    is_plane = area > 8 * torch.finfo(z.dtype).eps * parallelogram
    if isinstance(metric, ManifoldMetric) and isinstance(metric.manifold, ConstantCurvature):
        constant = metric.manifold.curvature.to(z).expand_as(area)
        return torch.where(is_plane & curvature.isfinite(), constant, torch.nan)
    return torch.where(is_plane, curvature / torch.where(is_plane, area, 1), torch.nan)
