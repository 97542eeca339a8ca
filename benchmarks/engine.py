"""Our own solver."""

import copy
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from solver import Curves, Solver
from torch import Tensor, nn
from typing_extensions import override

from geolatent.geodesics import CodeGraph, Initialisation, StraightLine, connect
from geolatent.metrics import PullbackMetric

FAMILY = "geolatent"
DEFAULT = "geolatent, default"
DOUBLE = "geolatent, float64"
GRAPH = "geolatent, straight and through the codes"
DOUBLE_FINE = "geolatent, float64, 128 segments"

# From rough to fine: what a smaller tolerance and more nodes cost and gain.
_LADDER = ((4, 1e-2), (8, 1e-2), (8, 1e-3), (16, 1e-3), (16, 1e-4), (32, 1e-4), (64, 1e-6))


@final
class Engine(Solver):
    """`geolatent.geodesics.connect` on the metric that the decoder pulls back.

    With codes it starts from the shortest path through their graph as well, whose making counts.
    """

    def __init__(
        self,
        name: str,
        *,
        family: str = FAMILY,
        segments: int | None = None,
        tolerance: float | None = None,
        dtype: torch.dtype = torch.float32,
        codes: Float[Tensor, "n d"] | None = None,
        **limits: float,
    ) -> None:
        super().__init__(name, family=family, **limits)
        given = {"segments": segments, "tolerance": tolerance}
        self._options = {key: value for key, value in given.items() if value is not None}
        self._dtype = dtype
        self._codes = codes

    @override
    def solve(
        self, decoder: nn.Module, start: Float[Tensor, "b d"], end: Float[Tensor, "b d"]
    ) -> Curves:
        if self._dtype != start.dtype:
            decoder = copy.deepcopy(decoder).to(self._dtype)
        metric = PullbackMetric(decoder)
        starts: tuple[Initialisation, ...] = (StraightLine(),)
        if self._codes is not None:
            starts += (CodeGraph(metric, self._codes.to(self._dtype)),)
        path = connect(
            metric,
            start.to(self._dtype),
            end.to(self._dtype),
            initialisations=starts,
            **self._options,
        )
        self.unconverged = int((~path.converged).sum())

        def curves(t: Float[np.ndarray, "s"]) -> Float[np.ndarray, "b s d"]:
            return path(torch.as_tensor(t)).numpy().astype(np.float64)

        return curves


def engines(*, double: bool, quick: bool = False) -> list[Solver]:
    """The defaults, and the ladder of settings that shows error against time.

    Args:
        double: also the default tolerance in double precision, at two resolutions.
        quick: fewer settings.
    """
    ladder: list[Solver] = [
        Engine(
            f"geolatent, {segments} segments, {tolerance:g}", segments=segments, tolerance=tolerance
        )
        for segments, tolerance in (_LADDER[::3] if quick else _LADDER)
    ]
    precise: list[Solver] = [
        Engine(DOUBLE, family=DOUBLE, dtype=torch.float64),
        Engine(DOUBLE_FINE, family=DOUBLE, segments=128, dtype=torch.float64),
    ]
    return [Engine(DEFAULT), *(precise if double else []), *ladder]
