"""Geodesics of the induced geometry."""

from typing import final

from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from geolatent.geodesics import CodeGraph, Path, StraightLine, connect
from geolatent.interpolation.interpolator import SEGMENTS, Interpolator, require_codes
from geolatent.latents import LatentModel


@final
class Geodesic(Interpolator):
    """The geodesic of the geometry that the decoder induces.

    Args:
        graph_start: look for it from the shortest path on the data graph too, and keep the better
            of both: finds geodesics around what a straight line cuts through.
    """

    def __init__(self, *, graph_start: bool = False) -> None:
        self.graph_start = graph_start

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
        if not self.graph_start:
            return connect(metric, start, end, segments=SEGMENTS)
        graph = CodeGraph(metric, require_codes(codes, "geodesic that starts from the data graph"))
        return connect(
            metric, start, end, initialisations=(StraightLine(), graph), segments=SEGMENTS
        )
