"""The Riemann curvature tensor."""

import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.curvature.christoffel import first_kind, metric_gradient
from geolatent.manifolds import ConstantCurvature
from geolatent.metrics.in_chunks import in_chunks
from geolatent.metrics.manifold_metric import ManifoldMetric
from geolatent.metrics.metric import ImmersedMetric, Metric
from geolatent.metrics.raised_index import raise_index
from geolatent.metrics.require_codes import require_codes
from geolatent.metrics.second_derivative import second_derivatives


@torch.no_grad()
def riemann(metric: Metric, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d d d d"]:
    r"""The Riemann curvature tensor, all indices lowered.

    .. math:: R_{ijkl} = ⟨R(∂_i, ∂_j) ∂_k, ∂_l⟩, \qquad
        R(u, v) w = ∇_u ∇_v w - ∇_v ∇_u w - ∇_{[u, v]} w

    The unit sphere has :math:`R_{ijkl} = G_{il} G_{jk} - G_{ik} G_{jl}`. For an immersion, by the
    Gauss equation, which takes second derivatives only:

    .. math:: R_{ijkl} = ⟨II_{il}, II_{jk}⟩ - ⟨II_{ik}, II_{jl}⟩

    with the normal components :math:`II_{ij} = (∂_i ∂_j φ)^⊥`; for a matrix from first and second
    derivatives of G; in closed form on a manifold of constant curvature.

    Args:
        metric: on codes; its immersion or matrix twice differentiable in forward mode.
        z: codes, `(*b, d)`.

    Returns:
        `(*b, d, d, d, d)`; zero for d = 1. NaN for the codes where the metric is singular.

    References:
        Do Carmo, M. P. (1992). Riemannian Geometry, chapter 6 (whose R has the other sign).
    """
    require_codes(metric, z)
    if isinstance(metric, ManifoldMetric) and isinstance(metric.manifold, ConstantCurvature):
        matrix = metric.matrix(z)
        product = torch.einsum("...il,...jk->...ijkl", matrix, matrix)
        return metric.manifold.curvature.to(z) * (product - product.transpose(-3, -4))

    def immersed(codes: Tensor) -> tuple[Tensor]:
        assert isinstance(metric, ImmersedMetric)
        normal = _second_fundamental_form(metric, codes)
        product = torch.einsum("bpil,bpjk->bijkl", normal, normal)
        return (product - product.transpose(1, 2),)

    def by_matrix(codes: Tensor) -> tuple[Tensor]:
        return (_from_matrix(metric, codes),)

    function = immersed if isinstance(metric, ImmersedMetric) else by_matrix
    # Four values for each of the d(d + 1)/2 second derivatives.
    (tensor,) = in_chunks(metric, function, z, evaluations=2 * z.shape[-1] * (z.shape[-1] + 1))
    return tensor


def _second_fundamental_form(
    metric: ImmersedMetric, z: Float[Tensor, "b d"]
) -> Float[Tensor, "b p d d"]:
    jacobian = metric.jacobian(z)
    bend = second_derivatives(metric.immersion, z)
    return normal_component(jacobian, bend.flatten(-2)).view_as(bend)


def normal_component(
    jacobian: Float[Tensor, "b p d"], vectors: Float[Tensor, "b p k"]
) -> Float[Tensor, "b p k"]:
    """What of ambient vectors is orthogonal to the tangent space; NaN where that is singular."""
    tangent = raise_index(jacobian.mT @ jacobian, jacobian.mT @ vectors)
    return vectors - jacobian @ tangent


def _from_matrix(metric: Metric, z: Float[Tensor, "b d"]) -> Float[Tensor, "b d d d d"]:
    """½ (∂_i ∂_k G_jl …) + Γ_{m,ik} Γ^m_{jl} …, antisymmetric in i, j and in k, l."""
    size = z.shape[-1]
    second = second_derivatives(lambda x: metric.matrix(x).flatten(-2), z)
    second = second.unflatten(1, (size, size))  # ∂_k ∂_l G_ij at [i, j, k, l]
    lowered = first_kind(metric_gradient(metric, z))
    raised = raise_index(metric.matrix(z), lowered.flatten(-2)).view_as(lowered)
    # Antisymmetrising in i, j and in k, l makes the four terms of each kind.
    part = torch.einsum("bjlik->bijkl", second)
    part = part + torch.einsum("bmik,bmjl->bijkl", lowered, raised)
    part = part - part.transpose(1, 2)
    return (part - part.transpose(3, 4)) / 2
