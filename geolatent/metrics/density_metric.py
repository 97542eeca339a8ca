"""A metric in which it costs to leave the data."""

import math
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from geolatent.metrics.metric import Metric

_RANK = 10  # neighbour whose median distance is the bandwidth, if none is given


@final
class DensityMetric(Metric):
    r"""Another metric, stretched where there are few codes.

    .. math::
        G_λ(z) = (1 + λ S(z))\, G(z), \qquad S(z) = \max_i \log \hat p(c_i) - \log \hat p(z),
        \qquad \hat p(z) = \frac1m \sum_{i=1}^m N(z;\, c_i,\, h^2 I)

    S is the log density, in nats, that is missing at z to the densest code. Geodesics of G alone
    may cut through holes in the data, since a decoder need not stretch where it was never trained.
    Curves that are stationary for the energy of G with a potential, ∫ ½ ‖γ'‖² + λ' S(γ) dt (Rygaard
    et al. 2025), obey Newton's law; at total energy h = ½ ‖γ'‖² − λ' S they are the geodesics of
    2 (h + λ' S) G, Jacobi's metric, which is this one with λ = λ' / h. A factor that is the density
    to some power (Arvanitidis et al. 2022) is bounded instead and so has no slope in wide holes.

    The density is one of coordinates: other coordinates of the same codes give another one.

    Args:
        metric: G.
        codes: of the data, c, `(m, d)`, at least two different ones.
        strength: λ ≥ 0, the share of G added for each missing nat; with 0 nothing changes.
        bandwidth: h, in the units of the codes; if not given the median distance of a code to its
            tenth neighbour.

    Attributes:
        strength: as given.
        bandwidth: as given or chosen.

    Raises:
        ValueError: the strength is negative, the bandwidth not positive, or the codes are too few,
            not finite or all the same.

    References:
        Arvanitidis, G., Georgiev, B., Schölkopf, B. (2022). A prior-based approximate latent
        Riemannian metric. arXiv 2103.05290.

        Rygaard, F. M., Zhu, S., Jin, Y., Hauberg, S., Fletcher, T. (2025). A likely geometry of
        generative models. arXiv 2510.26266.
    """

    @torch.no_grad()
    def __init__(
        self,
        metric: Metric,
        codes: Float[Tensor, "m d"],
        *,
        strength: float = 1.0,
        bandwidth: float | None = None,
    ) -> None:
        if codes.ndim != 2 or len(codes) < 2 or not codes.isfinite().all():
            raise ValueError(f"codes must be (m, d), m > 1, and finite, got {tuple(codes.shape)}.")
        if not (math.isfinite(strength) and strength >= 0):
            raise ValueError(f"strength must be at least 0, got {strength!r}.")
        if bandwidth is None:
            bandwidth = _neighbour_distance(codes)
            if not bandwidth > 0:
                raise ValueError(
                    "most codes coincide with ten others, so they have no density: check the "
                    "encoder, or give a bandwidth."
                )
        if not (math.isfinite(bandwidth) and bandwidth > 0):
            raise ValueError(f"bandwidth must be a positive number, got {bandwidth!r}.")
        self.strength, self.bandwidth = float(strength), float(bandwidth)
        self._metric = metric
        self._middle = codes.mean(0)
        # In bandwidths from the middle: squares opened up must not cancel far from the origin.
        self._centres = (codes.detach() - self._middle) / self.bandwidth
        self._offsets = self._centres.square().sum(1) / 2
        pieces = [self._log_sum(part) for part in codes.split(1024)]
        self._densest = torch.cat(pieces).max()

    def missing_log_density(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b"]:
        """S(z): 0 where codes are as dense as anywhere, in nats."""
        return (self._densest - self._log_sum(z)).clamp_min(0)

    @override
    def matrix(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d d"]:
        factor = 1 + self.strength * self.missing_log_density(z)
        return factor[..., None, None] * self._metric.matrix(z)

    def _log_sum(self, z: Tensor) -> Tensor:
        """log Σ exp(−½ ‖(z − c) / h‖²)."""
        scaled = (z - self._middle) / self.bandwidth
        products = scaled @ self._centres.mT - self._offsets
        return products.logsumexp(-1) - scaled.square().sum(-1) / 2


def _neighbour_distance(codes: Tensor) -> float:
    """Median distance of a code to its tenth neighbour, from at most a thousand of them."""
    sample = codes[torch.linspace(0, len(codes) - 1, min(len(codes), 1000)).long()]
    rank = min(_RANK, len(codes) - 1) + 1  # the first is the code itself
    # Not by way of matrix products, which cancel where codes are far from the origin.
    table = torch.cdist(sample, codes, compute_mode="donot_use_mm_for_euclid_dist")
    return float(table.kthvalue(rank, dim=1).values.median())
