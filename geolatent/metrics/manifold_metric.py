"""A manifold seen in the tangent coordinates of its origin."""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from geolatent.manifolds import Manifold
from geolatent.metrics.forward_jacobian import forward_jacobian
from geolatent.metrics.metric import ClosedFormGeodesics


@final
class ManifoldMetric(ClosedFormGeodesics):
    r"""The metric of a manifold on codes z = log_o(x), the normal coordinates of its origin.

    .. math:: G(z)_{ij} = ⟨∂_i x, ∂_j x⟩_x, \qquad x = \exp_o(z)

    On a space without conjugate points (curvature K ≤ 0) the codes are all of Rᵈ.

    Args:
        manifold: any manifold with closed-form exponential and logarithm.
    """

    def __init__(self, manifold: Manifold) -> None:
        self.manifold = manifold

    def point(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b n"]:
        """x = exp_o(z) in the manifold's ambient coordinates."""
        origin = self.manifold.origin(like=z)
        return self.manifold.from_normal_coordinates(origin, z)

    def code(self, x: Float[Tensor, "*b n"]) -> Float[Tensor, "*b d"]:
        """z = log_o(x)."""
        origin = self.manifold.origin(like=x)
        return self.manifold.normal_coordinates(origin, x)

    @override
    def matrix(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d d"]:
        x, jacobian = forward_jacobian(self.point, z)
        columns = jacobian.movedim(-1, -2)
        u, v = columns.unsqueeze(-2), columns.unsqueeze(-3)
        return self.manifold.inner(x[..., None, None, :], u, v)

    @override
    def distance(
        self, start: Float[Tensor, "*b d"], end: Float[Tensor, "*b d"]
    ) -> Float[Tensor, "*b"]:
        return self.manifold.distance(self.point(start), self.point(end))

    @override
    def geodesic(
        self, start: Float[Tensor, "*b d"], end: Float[Tensor, "*b d"], t: Float[Tensor, "t"]
    ) -> Float[Tensor, "*b t d"]:
        x, y = self.point(start).unsqueeze(-2), self.point(end).unsqueeze(-2)
        velocity = self.manifold.normal_coordinates(x, y)
        times = t.unsqueeze(-1).to(start)
        codes = self.code(self.manifold.from_normal_coordinates(x, times * velocity))
        # The round trip through ambient coordinates rounds; the ends are known exactly.
        codes = torch.where((t == 0).unsqueeze(-1), start.unsqueeze(-2), codes)
        return torch.where((t == 1).unsqueeze(-1), end.unsqueeze(-2), codes)
