"""The flattening penalty of FlatVI's public code, which mixes two parametrisations."""

from dataclasses import dataclass
from typing import final

from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from geolatent.likelihoods import NegativeBinomial
from geolatent.metrics import PullbackMetric
from geolatent.models import VAE, Regulariser
from geolatent.models.flat_decoder import square_distance
from geolatent.models.regulariser import probe


@final
@dataclass(frozen=True, kw_only=True)
class MismatchedFlattening(Regulariser):
    r"""w E‖Ĝ(z) − I‖²_F with the `mismatched_metric` Ĝ, at the codes themselves.

    Args:
        weight: w.

    References:
        Palma, A. et al. (2025). Enforcing latent Euclidean geometry in single-cell VAEs for
        manifold interpolation. arXiv 2507.11789; its public code.
    """

    weight: float = 1.0

    @override
    def penalty(self, model: VAE, z: Float[Tensor, "b d"]) -> Float[Tensor, ""]:
        found = probe(model, z, metric=mismatched_metric(model))
        return self.weight * square_distance(found, scale=1.0)


def mismatched_metric(model: VAE) -> PullbackMetric:
    r"""The derivative of log μ, measured by the information of a negative binomial about μ.

    .. math:: \hat G = J_{\log μ}^\top \operatorname{diag}\Big(\frac{θ}{μ (θ + μ)}\Big) J_{\log μ}
        = J_ψ^\top J_ψ, \qquad ψ = -2 \sqrt{1 / μ + 1 / θ}

    Right is μ² times that weight, the information about log μ, and the immersion of
    `NegativeBinomial`. This one is large where counts are small.

    Raises:
        TypeError: the likelihood is no negative binomial.
    """
    likelihood = model.likelihood
    if not isinstance(likelihood, NegativeBinomial):
        raise TypeError(
            f"the mismatched metric is one of negative-binomial counts, not of "
            f"{type(likelihood).__name__}: take regulariser=flat."
        )

    def coordinates(z: Tensor) -> Tensor:
        log_mean = model.decoder(model.decoder_inputs(z))
        return -2 * ((-log_mean).exp() + (-likelihood.dispersion()).exp()).sqrt()

    return PullbackMetric(coordinates)
