"""The decoder on which every test of flatness must say "flat"."""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from geolatent.latents import LatentModel
from geolatent.metrics import ImmersedMetric, Metric, PullbackMetric


@torch.no_grad()
def affine_null(metric: ImmersedMetric, codes: Float[Tensor, "m d"]) -> PullbackMetric:
    """The metric of the affine map that is nearest to the immersion on the codes.

    It has the shape and about the size of the metric under test and no curvature, so that what a
    comparison finds on it is what the comparison adds of its own.

    Args:
        metric: the metric under test.
        codes: where to fit, `(m, d)`; more than d of them have an image, the others are left out.

    Returns:
        The pull-back metric of the least-squares affine map.

    Raises:
        ValueError: there are not enough codes to fit on.
    """
    image = metric.immersion(codes).double()
    defined = image.isfinite().all(1)
    codes, image = codes[defined], image[defined]
    if codes.shape[0] <= codes.shape[1]:
        raise ValueError(
            f"an affine map of {codes.shape[1]} coordinates needs more codes than that, and the "
            f"decoder is finite at {codes.shape[0]} of {len(defined)}."
        )
    design = torch.cat([codes, codes.new_ones(len(codes), 1)], dim=1).double()
    slope = torch.linalg.lstsq(design, image).solution[:-1].to(codes)
    return PullbackMetric(lambda z: z @ slope)


@final
class AffineModel(LatentModel):
    """A model with the declared geometry of another and the affine decoder nearest to its own.

    Args:
        model: the other; its induced metric has an immersion.
        codes: where to fit, `(m, d)`; more than d of them.

    Raises:
        ValueError: there are not enough codes, or the metric of the model is given by its matrix.
    """

    def __init__(self, model: LatentModel, codes: Float[Tensor, "m d"]) -> None:
        induced = model.induced_metric()
        if not isinstance(induced, ImmersedMetric):
            raise ValueError(
                f"{type(induced).__name__} has no immersion that an affine map could be fitted to."
            )
        self._assumed, self._induced = model.assumed_metric(), affine_null(induced, codes)

    @override
    def assumed_metric(self) -> Metric:
        return self._assumed

    @override
    def induced_metric(self) -> Metric:
        return self._induced

    @override
    def decode(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b p"]:
        return self._induced.immersion(z)
