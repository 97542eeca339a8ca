"""Triangles of geodesics between codes."""

from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from geolatent.assumptions.triangles import Triangles
from geolatent.geodesics import connect, measure
from geolatent.metrics import Metric

_HALF = 17  # points on half a side


@final
@dataclass(frozen=True)
class GeodesicTriangles:
    """Those that could be measured, of random codes with disjoint corners.

    Attributes:
        triangles: their lengths.
        corners: `(3, b, d)`.
        looked: how many were looked at, measured or not.
    """

    triangles: Triangles
    corners: Float[Tensor, "3 b d"]
    looked: int

    @property
    def failed(self) -> int:
        """How many could not be measured."""
        return self.looked - self.corners.shape[1]


def triangle_lengths(
    metric: Metric, a: Float[Tensor, "b d"], b: Float[Tensor, "b d"], c: Float[Tensor, "b d"]
) -> tuple[Float[np.ndarray, "5 g"], Bool[Tensor, "b"]]:
    """The lengths of the triangles that could be measured, in `Triangles`' order, and which."""
    count = len(a)
    sides = connect(metric, torch.cat([a, a, b]), torch.cat([b, c, c]))
    ab, ac, bc = (sides[slice(i * count, (i + 1) * count)] for i in range(3))
    t = torch.linspace(0, 1, 2 * _HALF - 1, dtype=a.dtype, device=a.device)
    points = bc(t)
    halves = measure(metric, torch.cat([points[:, :_HALF], points[:, _HALF - 1 :]])).length
    # Where a side is not finite there is no middle to go to.
    middle = torch.where(bc.converged[:, None], points[:, _HALF - 1], b)
    am = connect(metric, a, middle)
    bm, mc = halves.chunk(2)
    lengths = torch.stack([ab.length, ac.length, bm, mc, am.length])
    good = ab.converged & ac.converged & bc.converged & am.converged
    good &= (lengths > 0).all(0) & lengths.isfinite().all(0)
    return lengths[:, good].double().cpu().numpy(), good
