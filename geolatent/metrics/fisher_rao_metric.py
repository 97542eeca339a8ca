"""The Fisher-Rao metric of distributions with several curved parameters."""

from collections.abc import Callable
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from geolatent.metrics.metric import Metric
from geolatent.metrics.pullback_metric import PullbackMetric


@final
class FisherRaoMetric(Metric):
    r"""The information of p(x | h) pulled back through a decoder z ↦ h(z).

    .. math:: G(z) = J_h^\top I(h)\, J_h = \sum_j J_{h,j}^\top I_j(h)\, J_{h,j}

    For families that an immersion makes flat, use `PullbackMetric` of it: no Jacobian is then
    needed to measure a curve.

    Args:
        decoder: any callable `(*b, d) -> (*b, k)` or `nn.Module`, as for `PullbackMetric`.
        information: from features `(*b, k)` to the blocks `(*b, p, c, c)` of p independent data
            features, whose c = k / p numbers are c groups of p among the features.

    Raises:
        ValueError: the module has dropout or batch normalisation in training mode.

    References:
        Arvanitidis, G. et al. (2022). Pulling back information geometry. arXiv 2106.05367.
    """

    def __init__(
        self, decoder: Callable[[Tensor], Tensor], information: Callable[[Tensor], Tensor]
    ) -> None:
        self._features = PullbackMetric(decoder)
        self._information = information

    @override
    def matrix(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d d"]:
        features, jacobian = self._features.immersion(z), self._features.jacobian(z)
        blocks = self._information(features)
        grouped = jacobian.unflatten(-2, (blocks.shape[-1], blocks.shape[-3]))
        return torch.einsum("...cpi,...pce,...epj->...ij", grouped, blocks, grouped)
