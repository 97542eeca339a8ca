"""Straight lines."""

from typing import final

from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from geolatent.geodesics import Path, measure
from geolatent.geodesics.measure import straight_points
from geolatent.interpolation.interpolator import SEGMENTS, Interpolator
from geolatent.latents import LatentModel


@final
class Linear(Interpolator):
    r"""What adding and averaging codes does.

    .. math:: z(t) = (1 - t)\, z_0 + t\, z_1

    On a curved latent space the codes are its tangent coordinates at the origin, so this is the
    straight line between the locations that an encoder emits.
    """

    @override
    def __call__(
        self,
        model: LatentModel,
        start: Float[Tensor, "b d"],
        end: Float[Tensor, "b d"],
        *,
        codes: Float[Tensor, "m d"] | None = None,
    ) -> Path:
        return measure(model.induced_metric(), straight_points(start, end, SEGMENTS))
