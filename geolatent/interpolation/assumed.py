"""Geodesics of the declared geometry."""

from typing import final

from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from geolatent.geodesics import Path, connect, measure
from geolatent.interpolation.interpolator import SEGMENTS, Interpolator
from geolatent.latents import LatentModel


@final
class Assumed(Interpolator):
    """The geodesic of the geometry that the model declares."""

    @override
    def __call__(
        self,
        model: LatentModel,
        start: Float[Tensor, "b d"],
        end: Float[Tensor, "b d"],
        *,
        codes: Float[Tensor, "m d"] | None = None,
    ) -> Path:
        path = connect(model.assumed_metric(), start, end, segments=SEGMENTS)
        return measure(
            model.induced_metric(),
            path.points,
            converged=path.converged,
            iterations=path.iterations,
            refinement_change=path.refinement_change,
        )
