"""The KL divergence is not negative."""

import math
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from geolatent.assumptions.assumption import Assumption
from geolatent.assumptions.claim import Claim
from geolatent.assumptions.mean_interval import mean_interval
from geolatent.assumptions.measurement import Items, Measurement, NotApplicable
from geolatent.assumptions.model_with_data import model_with_data
from geolatent.assumptions.subject import Subject
from geolatent.assumptions.tolerance import Tolerance
from geolatent.models import VAE, elbo

_SHARE = 0.1


@final
class KlNonnegative(Assumption):
    r"""The mean KL divergence of the tenth of the data for which it is least.

    .. math:: KL(q(z | x) ‖ p(z)) = E_q[\log q(z | x) - \log p(z)] \ge 0

    is estimated from samples even where there is a formula: samples that do not come from the
    density that is said of them (clipped ones, for example) give negative values. One half of the
    draws chooses the tenth, the other half measures it, so that choosing does not bias it.

    Args:
        draws: from each posterior.
        items: data to look at, at most.
        tolerated: how far below zero, in nats.
    """

    def __init__(self, *, draws: int = 32, items: int = 500, tolerated: float = 0.1) -> None:
        self.draws, self.items = draws, items
        self.claim = Claim(
            name="kl-nonnegative",
            cost=f"{2 * draws} draws from {items} posteriors, at most",
            sentence="No KL divergence is negative: samples come from the density that the bound "
            "takes them for.",
            kind="integrity",
            effect="mean KL divergence of the tenth of the data for which it is least, or the "
            "reported mean if that is less, in nats",
            tolerance=Tolerance(
                at_least=-tolerated,
                reason="estimates of a divergence that is zero scatter about it",
            ),
            remedy="Do not trust the bound. Look at not-clipped; train in float64 (model.double()) "
            "or with latent=hyperbolic, which stores points farther out.",
            minimum_sample=20,
        )

    @override
    def measure(self, subject: Subject) -> Measurement | NotApplicable:
        found = model_with_data(subject, self.claim.name, self.items)
        if isinstance(found, NotApplicable):
            return found
        model, x, rows = found
        with subject.seeded(self.claim.name):
            halves = [
                [self._mean(model, x[some]) for _ in range(2)] for some in subject.in_time(len(x))
            ]
        first, second = (
            torch.cat(half).double().cpu().numpy() for half in zip(*halves, strict=True)
        )
        rows = rows[: len(first)]
        good = np.isfinite(first) & np.isfinite(second)
        chosen = _least(first[good])
        lowest = second[good][chosen]
        low, high = mean_interval(lowest)
        effect = float(lowest.mean()) if len(lowest) else math.nan
        if not good.all():
            low = -math.inf  # what was not measured may be anything
        reported = subject.reported.get("kl", math.inf)
        return Measurement(
            effect=min(effect, reported),
            interval=(min(low, reported), min(high, reported)),
            sample=len(lowest),
            failed=int((~good).sum()),
            items=Items(
                subject.codes[rows.to(subject.codes.device)].unsqueeze(1).double().cpu().numpy(),
                (first + second) / 2,
                worse=-1,
            ),
            details={"mean KL": float(second[good].mean()) if good.any() else math.nan},
            planned=len(x),
            done=len(first),
        )

    def _mean(self, model: VAE, x: Tensor) -> Tensor:
        draws = range(max(1, self.draws // 2))
        return torch.stack([elbo(model, x, sampled_kl=True).kl for _ in draws]).mean(0)


def _least(values: Float[np.ndarray, "n"]) -> np.ndarray:
    """Positions of the lowest tenth, of all values where there are few."""
    count = max(20, round(_SHARE * len(values)))
    return np.argsort(values, kind="stable")[:count]
