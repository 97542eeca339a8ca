"""No latent dimension has collapsed to the prior."""

import math
from typing import final

import numpy as np
from jaxtyping import Float
from torch.distributions import Independent, Normal, kl_divergence
from typing_extensions import override

from geolatent.assumptions.assumption import Assumption
from geolatent.assumptions.claim import Claim
from geolatent.assumptions.log_variance_error import log_variance_error
from geolatent.assumptions.measurement import Measurement, NotApplicable
from geolatent.assumptions.model_with_data import model_with_data
from geolatent.assumptions.subject import Subject
from geolatent.assumptions.tolerance import Tolerance

_PRIOR_DRAWS = 1000


@final
class PosteriorActive(Assumption):
    r"""The share of latent dimensions whose posterior location hardly moves with the data.

    .. math:: A_i = \frac{\operatorname{Var}_x E_q[z_i | x]}{\operatorname{Var}_p z_i} < τ

    Burda's activity, in units of the prior's variance, so that the scale of the prior does not
    matter. The interval counts the dimensions that have surely and those that may have collapsed,
    by simultaneous intervals of all activities: many dimensions near the threshold are not mistaken
    for a few beyond it. Where posterior and prior are normal, the mean KL divergence of every
    dimension is in the details, in nats.

    Args:
        threshold: τ, the activity below which a dimension has collapsed.
        tolerated: share of dimensions that may have.
        items: data to look at, at most.

    References:
        Burda, Y., Grosse, R., Salakhutdinov, R. (2016). Importance weighted autoencoders.
        arXiv 1509.00519, section 5.2.
    """

    def __init__(
        self, *, threshold: float = 0.01, tolerated: float = 0.1, items: int = 2000
    ) -> None:
        self.threshold, self.items = threshold, items
        self.claim = Claim(
            name="posterior-active",
            cost=f"one encoding of {items} data, at most",
            sentence="Every latent dimension carries information on the data.",
            kind="statistics",
            effect=f"share of latent dimensions whose activity is below {threshold:g} of the "
            "prior's variance",
            tolerance=Tolerance(
                at_most=tolerated,
                reason="one unused dimension of ten costs time; of two it is half of the picture",
            ),
            remedy="Lower the weight of the KL divergence (train.beta=0.5) or let it rise "
            "slowly (train.kl_warmup=10), or drop the unused dimensions (dim=2).",
            minimum_sample=50,
        )

    @override
    def measure(self, subject: Subject) -> Measurement | NotApplicable:
        found = model_with_data(subject, self.claim.name, self.items)
        if isinstance(found, NotApplicable):
            return found
        model, x, _ = found
        with subject.seeded(self.claim.name):
            prior = model.prior()
            drawn = model.latent.code(prior.sample((_PRIOR_DRAWS,))).double().cpu().numpy()
        codes = model.encode(x).double().cpu().numpy()
        codes = codes[np.isfinite(codes).all(1)]
        failed = len(x) - len(codes)
        if len(codes) < 2:
            return Measurement(math.nan, (math.nan, math.nan), len(codes), failed)
        activity = codes.var(0, ddof=1) / drawn.var(0, ddof=1)
        low, high = _bounds(activity, codes, drawn)
        if failed:  # they may be at the mean, or anywhere
            low, high = low * len(codes) / len(x), np.full_like(high, np.inf)
        details = {f"activity {i}": float(a) for i, a in enumerate(activity)}
        posterior = model.posterior(x)
        if isinstance(posterior, Independent) and isinstance(prior, Independent):
            pair = posterior.base_dist, prior.base_dist
            if all(isinstance(one, Normal) for one in pair):
                each = kl_divergence(*pair).mean(0)
                details |= {f"KL {i}": float(nats) for i, nats in enumerate(each)}
        return Measurement(
            effect=float((activity < self.threshold).mean()),
            interval=(
                float((high < self.threshold).mean()),
                float((low < self.threshold).mean()),
            ),
            sample=len(codes),
            failed=failed,
            details=details,
        )


def _bounds(
    activity: Float[np.ndarray, "d"],
    codes: Float[np.ndarray, "n d"],
    prior: Float[np.ndarray, "m d"],
) -> tuple[Float[np.ndarray, "d"], Float[np.ndarray, "d"]]:
    """Bounds of all activities at once, with 95 % certainty (Bonferroni).

    The variance of the prior is known from draws.
    """
    from scipy.stats import norm  # slow to import

    error = np.hypot(log_variance_error(codes), log_variance_error(prior))
    factor = np.exp(float(norm.ppf(1 - 0.025 / len(activity))) * error)
    return activity / factor, activity * factor
