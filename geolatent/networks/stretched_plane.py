"""A flat plane whose coordinates run faster in its middle."""

import math
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from geolatent.networks.surfaces import MeasuredSurface


@final
class StretchedPlane(MeasuredSurface):
    r"""Cylinder (sin u, y, 1 − cos u) whose arc length u runs faster where |t| < w; flat.

    .. math:: z = (t, y), \qquad u(t) = t + a \frac{w \sqrt π}{2} \operatorname{erf}(t / w),
        \qquad d^2 = Δu^2 + Δy^2

    What a decoder does that is steep where there are no data, if these are at |t| > w: lines
    across bend as light does, and the surface is flat all the same.

    Args:
        steepness: a, by how much more the middle is stretched; 0 for an isometry.
        width: w.

    Raises:
        ValueError: the steepness is negative or the width not positive.
    """

    def __init__(self, steepness: float, width: float = 0.3) -> None:
        super().__init__()
        if not (0 <= steepness < math.inf and 0 < width < math.inf):
            raise ValueError(
                f"steepness must be at least 0 and width positive, got {steepness} and {width}."
            )
        self.steepness, self.width = steepness, width

    @override
    def forward(self, z: Float[Tensor, "*b 2"]) -> Float[Tensor, "*b 3"]:
        t, y = z.unbind(-1)
        u = self._arc(t)
        return torch.stack([u.sin(), y, 2 * (u / 2).sin().square()], -1)

    @override
    def distance(
        self, start: Float[Tensor, "*b 2"], end: Float[Tensor, "*b 2"]
    ) -> Float[Tensor, "*b"]:
        along = self._arc(end[..., 0]) - self._arc(start[..., 0])
        return torch.hypot(along, end[..., 1] - start[..., 1])

    def _arc(self, t: Tensor) -> Tensor:
        gain = self.steepness * self.width * math.sqrt(math.pi) / 2
        return t + gain * torch.erf(t / self.width)
