"""Shortest paths on the data graph."""

from typing import final

from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from geolatent.geodesics import CodeGraph, Path, measure
from geolatent.interpolation.interpolator import SEGMENTS, Interpolator, require_codes
from geolatent.latents import LatentModel


@final
class GraphPath(Interpolator):
    """The shortest way from code to neighbouring code, its corners rounded off.

    Edges are as long as the induced metric says. No optimisation and no model of a density: such a
    path is where data are, but for the corners and for gaps that every route has to cross.

    Args:
        neighbours: that every code is joined to.
    """

    def __init__(self, *, neighbours: int = 10) -> None:
        if neighbours < 1:
            raise ValueError(f"neighbours must be at least 1, got {neighbours}.")
        self.neighbours = neighbours

    @override
    def __call__(
        self,
        model: LatentModel,
        start: Float[Tensor, "b d"],
        end: Float[Tensor, "b d"],
        *,
        codes: Float[Tensor, "m d"] | None = None,
    ) -> Path:
        metric = model.induced_metric()
        codes = require_codes(codes, "path on the data graph")
        graph = CodeGraph(metric, codes, neighbours=self.neighbours)
        return measure(metric, graph(metric, start, end, SEGMENTS))
