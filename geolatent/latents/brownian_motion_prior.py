"""Brownian motion in the decoder's own metric as prior."""

import math
import warnings
from collections.abc import Callable
from typing import final

import torch
from torch import Tensor, nn
from torch.distributions import Distribution
from typing_extensions import override

from geolatent.distributions import BrownianMotion
from geolatent.latents.latent_model import EncodingModel
from geolatent.latents.latent_space import LatentSpace
from geolatent.latents.learned_prior import LearnedPrior
from geolatent.metrics import EuclideanMetric, Metric


@final
class BrownianMotionPrior(LearnedPrior):
    r"""Brownian motion of a short time t from a point μ, in the metric the decoder induces.

    .. math:: \log p(z) = \tfrac12 \log\det G(z) - \tfrac d2 \log 2πt - \frac{d_G(μ, z)^2}{2t}

    with respect to Lebesgue measure. It does not change when codes are deformed and the decoder
    undoes it, as a normal does. μ and t are learned. It is a density only to leading order in t
    (see `BrownianMotion`), so that the bound of a model with it is one to that order too.

    Codes far from data have to be far away for it: it needs a decoder whose uncertainty grows
    (likelihood=gaussian_rbf). Every batch costs geodesics. In the paper posteriors are Brownian
    motion too (drawn as normals); here they are those of the space.

    Args:
        space: what the prior lives on, a flat one.
        distance: geodesic distances, `(metric, start, end) -> (b,)`, with gradients; for example
            `geolatent.geodesics.distance`, maybe with options.
        time: t to start from, in squared units of the induced metric.
        steps: of a sample.

    Raises:
        TypeError: the space is not flat.
        ValueError: `time` is not positive and finite.

    Warns:
        RuntimeWarning: some geodesics gave warnings; once.

    References:
        Kalatzis, D., Eklund, D., Arvanitidis, G., Hauberg, S. (2020). Variational autoencoders with
        Riemannian Brownian motion priors. arXiv 2002.05227.
    """

    def __init__(
        self,
        space: LatentSpace,
        *,
        distance: Callable[[Metric, Tensor, Tensor], Tensor],
        time: float = 1.0,
        steps: int = 16,
    ) -> None:
        super().__init__()
        if not isinstance(space.metric, EuclideanMetric):
            raise TypeError(
                "the induced metric takes the place of the assumed one, so the space has to be "
                f"flat, and {type(space).__name__} is not: use EuclideanSpace."
            )
        if not (math.isfinite(time) and time > 0):
            raise ValueError(f"time must be a positive number, got {time!r}.")
        self.distance = distance
        self.steps = steps
        self._told = False
        self.location = nn.Parameter(torch.zeros(space.dim))
        self.log_time = nn.Parameter(torch.tensor(math.log(time)))

    @override
    def distribution(self, space: LatentSpace, model: EncodingModel) -> Distribution:
        try:
            metric = model.induced_metric()
        except (TypeError, ValueError) as error:
            raise type(error)(
                "Brownian motion moves in the decoder's metric, also while the model is trained, "
                f"and with these networks and this likelihood it cannot: {error}"
            ) from error

        def distance(start: Tensor, end: Tensor) -> Tensor:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                lengths = self.distance(metric, start, end)
            if caught and not self._told:
                # Python's own memory of what it has shown is lost with every `catch_warnings`.
                self._told = True
                warnings.warn(
                    "geodesics of a Brownian motion prior gave warnings, as when some have not "
                    "converged, so that their lengths are upper bounds: train longer, give the "
                    "prior's distance more iterations, or look at one with `connect`.",
                    RuntimeWarning,
                    stacklevel=2,
                )
            return lengths

        time = self.log_time.exp()
        return BrownianMotion(metric.matrix, distance, self.location, time, steps=self.steps)
