"""Christoffel symbols."""

import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.metrics.forward_jacobian import forward_jacobian
from geolatent.metrics.in_chunks import in_chunks
from geolatent.metrics.metric import ImmersedMetric, Metric
from geolatent.metrics.raised_index import raise_index
from geolatent.metrics.require_codes import require_codes
from geolatent.metrics.second_derivative import second_derivatives
from geolatent.metrics.slow_jacobian import slow_jacobian


@torch.no_grad()
def christoffel(metric: Metric, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d d d"]:
    r"""Christoffel symbols of the second kind.

    .. math:: Γ^k_{ij} = \tfrac12 G^{kl} (∂_i G_{jl} + ∂_j G_{il} - ∂_l G_{ij})
        = G^{kl} ⟨∂_l φ, ∂_i ∂_j φ⟩

    through the immersion φ where the metric has one, through the matrix otherwise.

    Args:
        metric: on codes; its immersion or matrix differentiable in forward mode.
        z: codes, `(*b, d)`.

    Returns:
        `(*b, d, d, d)`, indexed k, i, j and symmetric in i and j; NaN for the codes where the
        metric is singular.
    """
    require_codes(metric, z)

    def immersed(codes: Tensor) -> tuple[Tensor, Tensor]:
        assert isinstance(metric, ImmersedMetric)
        jacobian = metric.jacobian(codes)
        bend = second_derivatives(metric.immersion, codes)
        return torch.einsum("bpl,bpij->blij", jacobian, bend), jacobian.mT @ jacobian

    def by_matrix(codes: Tensor) -> tuple[Tensor, Tensor]:
        return first_kind(metric_gradient(metric, codes)), metric.matrix(codes)

    is_immersed = isinstance(metric, ImmersedMetric)
    size = z.shape[-1]
    lowered, matrix = in_chunks(
        metric,
        immersed if is_immersed else by_matrix,
        z,
        evaluations=2 * size * (size + 1) if is_immersed else size + 1,
    )
    raised = raise_index(matrix, lowered.flatten(-2)).unflatten(-1, (size, size))
    return (raised + raised.mT) / 2  # solving for each column rounds on its own


def metric_gradient(metric: Metric, z: Float[Tensor, "b d"]) -> Float[Tensor, "b d d d"]:
    """∂_k G_ij, indexed i, j, k."""
    size = z.shape[-1]

    def entries(codes: Tensor) -> Tensor:
        return metric.matrix(codes).flatten(-2)

    try:
        gradient = forward_jacobian(entries, z)[1]
    except RuntimeError as error:
        gradient = slow_jacobian(entries, z, error)(z)
    return gradient.unflatten(-2, (size, size))


def first_kind(gradient: Float[Tensor, "b d d d"]) -> Float[Tensor, "b d d d"]:
    """Γ_{l,ij}, indexed l, i, j, from ∂_k G_ij indexed i, j, k."""
    along_i = gradient.movedim(-1, -2)  # ∂_i G_lj at [l, i, j]
    across = gradient.movedim(-1, -3)  # ∂_l G_ij at [l, i, j]
    return (along_i + gradient - across) / 2
