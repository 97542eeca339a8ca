"""Geodesics that stay where the data are."""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from geolatent.geodesics import CodeGraph, Path, StraightLine, connect, measure
from geolatent.interpolation.interpolator import SEGMENTS, Interpolator, require_codes
from geolatent.latents import LatentModel
from geolatent.metrics import DensityMetric


@final
class DensityGeodesic(Interpolator):
    r"""The geodesic of the induced geometry with a price on leaving the data.

    .. math:: G_λ(z) = \bigl(1 + λ\, (\max_i \log \hat p(c_i) - \log \hat p(z))\bigr)\, G(z)

    p̂ is a kernel density of the codes of data (`DensityMetric`). The curve minimises the energy of
    G_λ, from the straight line and from the shortest path on the data graph, whichever leads lower;
    what is reported is its length in G.

    Args:
        strength: λ ≥ 0, the share of G added for each nat of log density that is missing.
        bandwidth: of the density, in the units of the codes; if not given the median distance of a
            code to its tenth neighbour.
        centres: codes that the density is made of, at most; evenly spaced rows of all of them.

    Raises:
        ValueError: an option is out of its range.
    """

    def __init__(
        self, *, strength: float = 1.0, bandwidth: float | None = None, centres: int = 500
    ) -> None:
        if not strength >= 0 or centres < 2 or (bandwidth is not None and not bandwidth > 0):
            raise ValueError(
                "strength must be at least 0, bandwidth positive and centres at least 2, got "
                f"{strength!r}, {bandwidth!r} and {centres!r}."
            )
        self.strength, self.bandwidth, self.centres = strength, bandwidth, centres

    @override
    def __call__(
        self,
        model: LatentModel,
        start: Float[Tensor, "b d"],
        end: Float[Tensor, "b d"],
        *,
        codes: Float[Tensor, "m d"] | None = None,
    ) -> Path:
        induced = model.induced_metric()
        codes = require_codes(codes, "density-regularised geodesic")
        rows = torch.linspace(0, len(codes) - 1, min(len(codes), self.centres)).long()
        metric = DensityMetric(
            induced, codes[rows], strength=self.strength, bandwidth=self.bandwidth
        )
        path = connect(
            metric,
            start,
            end,
            initialisations=(StraightLine(), CodeGraph(metric, codes)),
            segments=SEGMENTS,
        )
        return measure(
            induced,
            path.points,
            converged=path.converged,
            iterations=path.iterations,
            refinement_change=path.refinement_change,
        )
