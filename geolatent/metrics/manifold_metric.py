"""A manifold seen in the tangent coordinates of its origin."""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from geolatent.manifolds import Manifold
from geolatent.metrics.metric import ClosedFormGeodesics


@final
class ManifoldMetric(ClosedFormGeodesics):
    r"""The metric of a manifold on codes z = log_o(x), the normal coordinates of its origin.

    .. math:: G(z) = \hat z \hat z^\top + s(|z|)^2 (I - \hat z \hat z^\top), \qquad
        s(r) = \frac{\sinh(\sqrt{-K}\, r)}{\sqrt{-K}\, r}

    On a space without conjugate points (curvature K ≤ 0) the codes are all of Rᵈ.

    Args:
        manifold: of constant curvature.
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
        dim = z.shape[-1]
        identity = torch.eye(dim, dtype=z.dtype, device=z.device)
        if dim == 1:
            return identity.expand(*z.shape, 1)
        # The exponential map keeps lengths along the radius and stretches all directions across it
        # alike, so its volume distortion is that stretch to the power d - 1.
        origin = self.manifold.origin(like=z)
        distortion = self.manifold.log_det_exp(origin, self.manifold.from_tangent_at_origin(z))
        square_stretch = (2 * distortion / (dim - 1)).exp()[..., None, None]
        outer = z.unsqueeze(-1) * z.unsqueeze(-2)
        square_radius = z.square().sum(-1)[..., None, None]
        radial = outer / torch.where(square_radius > 0, square_radius, 1)
        # In this order the radius keeps its length along an axis however large the stretch is.
        return radial + square_stretch * (identity - radial)

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
