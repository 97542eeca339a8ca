"""Codes of two dimensions as they are."""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from geolatent.metrics import Metric
from geolatent.viz.latent_chart import Extent, LatentChart

_TAIL = 0.005
"""Share of the codes beyond each side that may be left out of the picture."""


@final
class PlaneChart(LatentChart):
    """Codes as they are, with the same scale on both axes."""

    labels = ("code z₁", "code z₂")
    caption = ""
    round = False

    @override
    def to_page(self, z: Float[Tensor, "*b 2"]) -> Float[Tensor, "*b 2"]:
        return z

    @override
    def from_page(self, w: Float[Tensor, "*b 2"]) -> Float[Tensor, "*b 2"]:
        return w

    @override
    def extent(self, z: Float[Tensor, "m 2"], must_show: Float[Tensor, "k 2"]) -> Extent:
        return frame(z, must_show)

    @override
    def surface(self, metric: Metric) -> Metric:
        return metric

    @override
    def on_surface(self, z: Float[Tensor, "*b 2"]) -> Float[Tensor, "*b 2"]:
        return z

    @override
    def from_surface(self, w: Float[Tensor, "*b 2"]) -> Float[Tensor, "*b 2"]:
        return w


def frame(points: Float[Tensor, "m 2"], must_show: Float[Tensor, "k 2"]) -> Extent:
    """The box of nearly all points and of everything that must be shown, with a margin."""
    tails = torch.tensor([_TAIL, 1 - _TAIL], dtype=torch.float64, device=points.device)
    framed = torch.cat([torch.quantile(points.double(), tails, dim=0), must_show.double()])
    low, high = framed.amin(0), framed.amax(0)
    margin = 0.06 * (high - low).amax().clamp_min(1e-6)
    (left, bottom), (right, top) = (low - margin).tolist(), (high + margin).tolist()
    return left, right, bottom, top
