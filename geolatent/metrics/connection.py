"""The Levi-Civita connection of a metric, contracted with the vectors it acts on."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import jvp

from geolatent.metrics.forward_jacobian import forward_jacobian
from geolatent.metrics.in_chunks import in_chunks
from geolatent.metrics.metric import ImmersedMetric, Metric
from geolatent.metrics.raised_index import raise_index
from geolatent.metrics.second_derivative import second_derivative


@torch.no_grad()
def geodesic_acceleration(
    metric: Metric, z: Float[Tensor, "*b d"], v: Float[Tensor, "*b d"]
) -> tuple[Float[Tensor, "*b d"], Float[Tensor, "*b d d"]]:
    r"""The acceleration of the geodesic at z with velocity v, and the metric there.

    .. math:: a = -Γ(z)[v, v]
        = -G^{-1} J^\top D^2φ[v, v]
        = -G^{-1} \bigl(∂_v G\, v - \tfrac12 ∇(v^\top G v)\bigr)

    with exact derivatives: through the immersion φ where the metric has one, one second derivative
    along v; through the matrix G otherwise, d first derivatives of Gv.

    Args:
        metric: on codes; its immersion or matrix must be differentiable in forward mode.
        z: codes, `(*b, d)`.
        v: velocities, `(*b, d)`.

    Returns:
        a, `(*b, d)`, NaN for the items where G is not regular, and G, `(*b, d, d)`.
    """

    def immersed(codes: Tensor, velocity: Tensor) -> tuple[Tensor, Tensor]:
        assert isinstance(metric, ImmersedMetric)
        jacobian = metric.jacobian(codes)
        bend = second_derivative(metric.immersion, codes, velocity, velocity)
        return jacobian.mT @ bend.unsqueeze(-1), jacobian.mT @ jacobian

    def by_matrix(codes: Tensor, velocity: Tensor) -> tuple[Tensor, Tensor]:
        gradient = forward_jacobian(lambda x: _lower(metric, x, velocity), codes)[1]
        column = velocity.unsqueeze(-1)
        return gradient @ column - gradient.mT @ column / 2, metric.matrix(codes)

    function = immersed if isinstance(metric, ImmersedMetric) else by_matrix
    # A second derivative holds four values, a Jacobian d + 1.
    lowered, matrix = in_chunks(metric, function, z, v, evaluations=z.shape[-1] + 4)
    return -raise_index(matrix, lowered).squeeze(-1), matrix


@torch.no_grad()
def connection_along(
    metric: Metric, z: Float[Tensor, "*b d"], u: Float[Tensor, "*b d"]
) -> tuple[Float[Tensor, "*b d d"], Float[Tensor, "*b d d"], Float[Tensor, "*b d d"]]:
    r"""How the covariant derivative along u differs from the ordinary one, as a matrix.

    .. math:: (∇_u w)^k = ∂_u w^k + A^k_j w^j, \qquad A^k_j = Γ^k_{ij}(z) u^i

    Args:
        metric: on codes; its immersion or matrix must be differentiable in forward mode.
        z: codes, `(*b, d)`.
        u: direction at each code, `(*b, d)`.

    Returns:
        A, `(*b, d, d)`, NaN for the items where G is not regular; G; and its derivative along u.
    """

    def immersed(codes: Tensor, direction: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        assert isinstance(metric, ImmersedMetric)
        jacobian, change = jvp(metric.jacobian, (codes,), (direction,))
        lowered = jacobian.mT @ change
        return lowered, jacobian.mT @ jacobian, lowered + lowered.mT

    def by_matrix(codes: Tensor, direction: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        gradient = forward_jacobian(lambda x: _lower(metric, x, direction), codes)[1]
        matrix, change = jvp(metric.matrix, (codes,), (direction,))
        return (change + gradient - gradient.mT) / 2, matrix, change

    function = immersed if isinstance(metric, ImmersedMetric) else by_matrix
    lowered, matrix, change = in_chunks(metric, function, z, u, evaluations=2 * z.shape[-1] + 2)
    return raise_index(matrix, lowered), matrix, change


def _lower(metric: Metric, z: Tensor, v: Tensor) -> Tensor:
    return (metric.matrix(z) @ v.unsqueeze(-1)).squeeze(-1)
