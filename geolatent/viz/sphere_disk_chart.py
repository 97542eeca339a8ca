"""A whole sphere in one disk."""

import math
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from geolatent.metrics import Metric
from geolatent.viz.latent_chart import Extent, LatentChart


@final
class SphereDiskChart(LatentChart):
    r"""Tangent coordinates at the origin of a sphere, drawn in Lambert's azimuthal projection.

    .. math:: w = \sin(θ / 2)\, z / |z|, \qquad θ = \sqrt K\, |z|

    Areas are true to scale, and the whole sphere fits: the unit circle is one point, the antipode
    of the origin. A code beyond it (θ > π) is drawn where its point is, so that a curve through
    the antipode leaves the disk and enters it again.

    Args:
        curvature: K, positive.
    """

    labels = ("", "")
    caption = "sphere, true areas: the circle is one point, opposite to the centre"
    round = True

    def __init__(self, curvature: float) -> None:
        self._rate = math.sqrt(curvature)

    @override
    def to_page(self, z: Float[Tensor, "*b 2"]) -> Float[Tensor, "*b 2"]:
        radius = torch.linalg.vector_norm(z, dim=-1, keepdim=True)
        safe = radius.where(radius > 0, torch.ones_like(radius))
        angle = torch.remainder(self._rate * radius, 2 * math.pi)
        # Past the antipode the point comes back from the other side.
        side = torch.where(angle > math.pi, -1.0, 1.0).to(z)
        return side * torch.sin(angle / 2) / safe * z

    @override
    def from_page(self, w: Float[Tensor, "*b 2"]) -> Float[Tensor, "*b 2"]:
        radius = torch.linalg.vector_norm(w, dim=-1, keepdim=True)
        safe = radius.where(radius > 0, torch.ones_like(radius))
        inside = radius.where(radius < 1, torch.full_like(radius, torch.nan))
        return 2 / self._rate * torch.asin(inside) / safe * w

    @override
    def extent(self, z: Float[Tensor, "m 2"], must_show: Float[Tensor, "k 2"]) -> Extent:
        return -1.02, 1.02, -1.02, 1.02

    @override
    def surface(self, metric: Metric) -> Metric:
        return metric

    @override
    def on_surface(self, z: Float[Tensor, "*b 2"]) -> Float[Tensor, "*b 2"]:
        return z

    @override
    def from_surface(self, w: Float[Tensor, "*b 2"]) -> Float[Tensor, "*b 2"]:
        return w
