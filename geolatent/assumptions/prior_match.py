"""Codes of the data look like draws from the prior."""

import math
from typing import final

import numpy as np
from typing_extensions import override

from geolatent.assumptions.assumption import Assumption
from geolatent.assumptions.claim import Claim
from geolatent.assumptions.cross_fitted import (
    cross_fitted_recalls,
    skill,
    skill_draws,
    skill_interval,
    widened,
)
from geolatent.assumptions.measurement import Measurement, NotApplicable
from geolatent.assumptions.model_with_data import model_with_data
from geolatent.assumptions.subject import Subject
from geolatent.assumptions.tolerance import Tolerance


@final
class PriorMatch(Assumption):
    r"""How well a classifier tells draws of the aggregated posterior from draws of the prior.

    .. math:: 2\,\text{BA} - 1 \;\le\; \mathrm{TV}\Bigl(\tfrac1n \sum_i q(z | x_i),\; p(z)\Bigr)

    The cross-validated balanced accuracy BA bounds the total variation distance from below: the
    share of draws that would have to move for the two to agree. It is an effect, unlike a p-value,
    which any difference makes small when there are enough data. One draw is taken of each
    posterior.

    Args:
        tolerated: distance, from 0 to 1.
        items: data to look at, at most, and as many draws from the prior.

    References:
        Lopez-Paz, D., Oquab, M. (2017). Revisiting classifier two-sample tests. arXiv 1610.06545.
        Rosca, M., Lakshminarayanan, B., Mohamed, S. (2018). Distribution matching in variational
        inference. arXiv 1802.06847: the aggregated posterior often does not match.
    """

    def __init__(
        self, *, tolerated: float = 0.2, permutations: int = 10, items: int = 1000
    ) -> None:
        if permutations < 2:
            raise ValueError(f"permutations must be at least 2, got {permutations}.")
        self.permutations, self.items = permutations, items
        self.claim = Claim(
            name="prior-match",
            cost=f"{1 + permutations} cross-validated classifiers of {items} data, at most",
            sentence="Draws from the prior are where the codes of the data are.",
            kind="statistics",
            effect="lower bound of the total variation distance between aggregated posterior and "
            "prior: 0 if no classifier tells them apart, 1 if one always does",
            tolerance=Tolerance(
                at_most=tolerated,
                reason="as far as two unit normals are whose means are half a unit apart",
            ),
            remedy="Sample from the codes and not from the prior, or let the prior follow them "
            "(latent=vamp, latent=mixture), or raise train.beta.",
            minimum_sample=100,
            lower_bound=True,
        )

    @override
    def measure(self, subject: Subject) -> Measurement | NotApplicable:
        name = self.claim.name
        found = model_with_data(subject, name, self.items)
        if isinstance(found, NotApplicable):
            return found
        model, x, _ = found
        with subject.seeded(name):
            drawn = [model.posterior(x).sample(), model.prior().sample((len(x),))]
        codes = np.concatenate([model.latent.code(z).double().cpu().numpy() for z in drawn])
        good = np.isfinite(codes).all(1)
        which = np.repeat([0, 1], len(x))
        sample = min(int(good[which == k].sum()) for k in (0, 1))
        if sample < self.claim.minimum_sample:
            return Measurement(math.nan, (math.nan, math.nan), sample, int((~good).sum()))
        recalls = cross_fitted_recalls(codes[good], which[good], seed=subject.seed_of(name))
        rng = np.random.default_rng(subject.seed_of(f"{name} draws"))
        permuted = [
            cross_fitted_recalls(codes[good], rng.permutation(which[good]), seed=seed)
            for seed in range(self.permutations)
        ]
        chance = np.array([skill(one) for one in permuted])
        counted = float(np.mean([skill_draws(one, rng).var() for one in permuted]))
        draws = widened(skill(recalls), skill_draws(recalls, rng), chance, counted)
        low, high = skill_interval(draws)
        return Measurement(
            effect=skill(recalls),
            interval=(low, high if good.all() else 1.0),
            sample=sample,
            failed=int((~good).sum()),
            details={
                "told of the posterior": float(recalls[0, 0] / recalls[0, 1]),
                "told of the prior": float(recalls[1, 0] / recalls[1, 1]),
            },
        )
