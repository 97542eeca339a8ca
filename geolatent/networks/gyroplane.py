"""The linear layer of hyperbolic space."""

import math
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from typing_extensions import override

from geolatent.manifolds import ConstantCurvature
from geolatent.manifolds.curvature import inverse_radius
from geolatent.numerics.radial_maps import radial_sinh


@final
class Gyroplane(nn.Module):
    r"""Scaled signed distances of a point to hyperplanes, the first layer for hyperbolic codes.

    .. math:: y_j = ‖a_j‖\, d_\pm(x, H_j), \qquad
        \sinh\big(\sqrt{-K}\, d_\pm(x, H)\big)
            = \cosh(\sqrt{-K} b)\, ⟨n, x⟩ - \sinh(\sqrt{-K} b)\, x_0

    with x on the hyperboloid in units of the curvature radius. H is made of the geodesics
    through its point nearest to the origin, at distance b in the direction n = a/‖a‖, that are
    orthogonal to n there. For K → 0 the layer is affine: y_j → a_j · x − ‖a_j‖ b_j.

    Mathieu et al. take any point p of the hyperplane and a normal at p: the same functions, with
    d − 1 parameters more than there are hyperplanes.

    The formula cancels a factor e^{2r} where the hyperplane is far out and the point beyond it; it
    is evaluated there in another form. In float32 the distance of a point at radius r is right to
    about 1e-7 e^r: 0.0003 at radius 8, which is what the point's own coordinates resolve.

    Args:
        manifold: of negative curvature; inputs are its ambient coordinates, so the latent space
            has to emit those. Its curvature must be fixed: the manifold of a configuration is a
            copy of the latent space's, which would learn another one.
        out_size: number of hyperplanes.

    Raises:
        TypeError: there is no manifold.
        ValueError: `out_size` is below one, or the curvature is not negative or not fixed.

    References:
        Mathieu, E. et al. (2019). Continuous hierarchical representations with Poincaré variational
        auto-encoders. arXiv 1901.06033. Ganea, O., Bécigneul, G., Hofmann, T. (2018). Hyperbolic
        neural networks. arXiv 1805.09112. Shimizu, R., Mukuta, Y., Harada, T. (2021). Hyperbolic
        neural networks++. arXiv 2006.08210 (a hyperplane by its nearest point).
    """

    def __init__(self, manifold: ConstantCurvature | None, out_size: int) -> None:
        super().__init__()
        if out_size < 1:
            raise ValueError(f"out_size must be at least 1, got {out_size}.")
        if manifold is None:  # what a configuration finds in a latent space without one
            raise TypeError(
                "a gyroplane layer needs a hyperbolic space, and this one has no manifold: "
                "use one that has, or a linear layer, as in network=mlp."
            )
        if any(True for _ in manifold.parameters()):
            raise ValueError(
                "a gyroplane layer needs a fixed curvature, but this manifold learns its own; "
                "fix it, or use network=mlp."
            )
        if not float(manifold.curvature) < 0:
            raise ValueError(
                f"a gyroplane layer needs a hyperbolic space, but {manifold} is none; use a linear "
                "layer, as in network=mlp."
            )
        self.manifold = manifold
        self.weight = nn.Parameter(torch.empty(out_size, manifold.dim))
        self.offset = nn.Parameter(torch.empty(out_size))
        # As torch initialises a linear layer, which this is for small codes.
        bound = 1 / math.sqrt(manifold.dim)
        nn.init.uniform_(self.weight, -bound, bound)
        nn.init.uniform_(self.offset, -bound, bound)

    @override
    def forward(self, x: Float[Tensor, "*b n"]) -> Float[Tensor, "*b o"]:
        size = torch.linalg.vector_norm(self.weight, dim=-1)
        normal = self.weight / size.unsqueeze(-1)
        scale = inverse_radius(self.manifold.curvature, like=x)
        code = self.manifold.normal_coordinates(self.manifold.origin(like=x), x)
        height = _height(radial_sinh(scale * code), normal, scale * self.offset)
        return size * torch.asinh(height) / scale


def _height(
    x: Float[Tensor, "*b d"], normal: Float[Tensor, "o d"], offset: Float[Tensor, "o"]
) -> Float[Tensor, "*b o"]:
    r"""Hyperbolic sine of the distances, from spatial coordinates of the unit hyperboloid."""
    time = (1 + x.square().sum(-1, keepdim=True)).sqrt()
    # Both sides of the origin are alike: count along the direction in which the hyperplane lies.
    side = torch.where(offset < 0, -1.0, 1.0).to(offset)
    cosh, sinh = offset.cosh(), (side * offset).sinh()
    along = x @ normal.mT
    ahead = side * along
    # cosh · ahead − sinh · time cancels where both terms are large and alike. There, both are
    # multiplied by their sum, and ahead² cosh² − time² sinh² is ahead² − sinh² − sinh² |x*|² with
    # x* the part of x orthogonal to the normal.
    cancels = (ahead > 0) & (sinh > 1)
    total = torch.where(cancels, cosh * ahead + sinh * time, torch.ones_like(ahead))
    orthogonal = x.unsqueeze(-2) - along.unsqueeze(-1) * normal
    across = sinh * (orthogonal * (orthogonal * (sinh / total).unsqueeze(-1))).sum(-1)
    apart = (ahead - sinh) * ((ahead + sinh) / total) - across
    return side * torch.where(cancels, apart, cosh * ahead - sinh * time)
