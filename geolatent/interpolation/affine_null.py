"""The decoder on which every test of flatness must say "flat"."""

import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.metrics import ImmersedMetric, PullbackMetric


@torch.no_grad()
def affine_null(metric: ImmersedMetric, codes: Float[Tensor, "m d"]) -> PullbackMetric:
    """The metric of the affine map that is nearest to the immersion on the codes.

    It has the shape and about the size of the metric under test and no curvature, so that what a
    comparison finds on it is what the comparison adds of its own.

    Args:
        metric: the metric under test.
        codes: where to fit, `(m, d)`; more than d of them.

    Returns:
        The pull-back metric of the least-squares affine map.

    Raises:
        ValueError: there are not enough codes to fit on.
    """
    if codes.shape[0] <= codes.shape[1]:
        raise ValueError(
            f"an affine map of {codes.shape[1]} coordinates needs more codes than that, "
            f"got {codes.shape[0]}."
        )
    image = metric.immersion(codes).double()
    design = torch.cat([codes, codes.new_ones(len(codes), 1)], dim=1).double()
    slope = torch.linalg.lstsq(design, image).solution[:-1].to(codes)
    return PullbackMetric(lambda z: z @ slope)
