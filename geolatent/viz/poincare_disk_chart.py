"""A hyperbolic plane in the Poincaré disk."""

import math
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from geolatent.metrics import Metric
from geolatent.viz.latent_chart import Extent, LatentChart


@final
class PoincareDiskChart(LatentChart):
    r"""Tangent coordinates at the origin of a hyperbolic plane, drawn in the Poincaré disk.

    .. math:: w = \tanh(\sqrt{-K}\,|z| / 2)\, z / |z|

    Geodesics of the hyperbolic plane are arcs that meet the unit circle at right angles; straight
    lines in z are straight only through the centre.

    Args:
        curvature: K, negative.
    """

    labels = ("", "")
    caption = "Poincaré disk: the circle is at infinity"
    round = True

    def __init__(self, curvature: float) -> None:
        self._rate = math.sqrt(-curvature)

    @override
    def to_page(self, z: Float[Tensor, "*b 2"]) -> Float[Tensor, "*b 2"]:
        radius = torch.linalg.vector_norm(z, dim=-1, keepdim=True)
        safe = radius.where(radius > 0, torch.ones_like(radius))
        return torch.tanh(self._rate * radius / 2) / safe * z

    @override
    def from_page(self, w: Float[Tensor, "*b 2"]) -> Float[Tensor, "*b 2"]:
        radius = torch.linalg.vector_norm(w, dim=-1, keepdim=True)
        safe = radius.where(radius > 0, torch.ones_like(radius))
        inside = radius.where(radius < 1, torch.full_like(radius, torch.nan))
        return 2 / self._rate * torch.atanh(inside) / safe * w

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
