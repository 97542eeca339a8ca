"""Ways of getting from one code to another."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import final

from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from geolatent.geodesics import Path, connect, measure
from geolatent.geodesics.measure import straight_points
from geolatent.latents import LatentModel

SEGMENTS = 32
"""Segments of every path: what is compared is the route, not the resolution."""


class Interpolator(ABC):
    """A rule that joins codes by curves, measured in the metric that the decoder induces."""

    @abstractmethod
    def __call__(self, start: Float[Tensor, "b d"], end: Float[Tensor, "b d"]) -> Path:
        """Paths from each start to its end."""


@final
class Linear(Interpolator):
    """z(t) = (1 − t) z₀ + t z₁: what adding and averaging codes does.

    On a curved latent space the codes are its tangent coordinates at the origin, so this is the
    straight line between the locations that an encoder emits.
    """

    def __init__(self, model: LatentModel) -> None:
        self._metric = model.induced_metric()

    @override
    def __call__(self, start: Float[Tensor, "b d"], end: Float[Tensor, "b d"]) -> Path:
        return measure(self._metric, straight_points(start, end, SEGMENTS))


@final
class Assumed(Interpolator):
    """The geodesic of the geometry that the model declares."""

    def __init__(self, model: LatentModel) -> None:
        self._assumed, self._induced = model.assumed_metric(), model.induced_metric()

    @override
    def __call__(self, start: Float[Tensor, "b d"], end: Float[Tensor, "b d"]) -> Path:
        path = connect(self._assumed, start, end, segments=SEGMENTS)
        return measure(
            self._induced, path.points, converged=path.converged, iterations=path.iterations
        )


@final
class Geodesic(Interpolator):
    """The geodesic of the geometry that the decoder induces."""

    def __init__(self, model: LatentModel) -> None:
        self._metric = model.induced_metric()

    @override
    def __call__(self, start: Float[Tensor, "b d"], end: Float[Tensor, "b d"]) -> Path:
        return connect(self._metric, start, end, segments=SEGMENTS)


INTERPOLATORS: dict[str, Callable[[LatentModel], Interpolator]] = {
    "linear": Linear,
    "assumed": Assumed,
    "geodesic": Geodesic,
}
"""The rules by the names that `compare` and the configs use."""
