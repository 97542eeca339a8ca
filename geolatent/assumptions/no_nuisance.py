"""Codes do not tell a nuisance variable beyond what the label explains."""

import math
from typing import final

import numpy as np
from jaxtyping import Float, Int
from typing_extensions import override

from geolatent.assumptions.assumption import Assumption
from geolatent.assumptions.claim import Claim
from geolatent.assumptions.cross_fitted import (
    cross_fitted_recalls,
    cross_fitted_right,
    skill,
    skill_draws,
    skill_interval,
    widened,
)
from geolatent.assumptions.measurement import Measurement, NotApplicable
from geolatent.assumptions.subject import Subject
from geolatent.assumptions.tolerance import Tolerance

_FEWEST = 5  # of each value in each class: one for each fold


@final
class NoNuisance(Assumption):
    r"""How well a nuisance variable can be read off codes of one class, beyond chance.

    .. math:: \frac{s - c}{1 - c}, \qquad
        s = \sum_y w_y \frac{\text{BA}_y - 1/k_y}{1 - 1/k_y}

    BA is the cross-validated balanced accuracy with which a classifier tells the k values of the
    nuisance from codes within class y, w the share of the class, and c the mean of s after the
    nuisance was permuted within classes. Conditioning on the class leaves out what the label
    explains; without labels all data are one class. What a classifier cannot read may still be
    there: the effect is a lower bound. Of several variables the worst counts, its interval widened
    after Bonferroni.

    The details say how often the class itself is told right by such a classifier where the nuisance
    is the usual one of the class, and where it is not: far apart if it rides on the nuisance.

    Where a class does not hold two values of the nuisance, five times each, class and nuisance
    cannot be told apart. The codes of such classes may tell all or nothing: the interval allows for
    either, so that a claim of which most cannot be tested does not hold.
    Intervals come from the counts of right answers and are widened by how much more these scatter
    over the permutations. How often they are wrong is counted by `geolatent calibrate
    only=[no-nuisance]`.

    Args:
        tolerated: readability beyond chance, from 0 to 1.
        permutations: for chance; at least two, and thirty for intervals that keep what they say.
        items: codes to look at, at most.

    Raises:
        ValueError: there are fewer than two permutations.

    References:
        Ojala, M., Garriga, G. C. (2010). Permutation tests for studying classifier performance.
        J. Mach. Learn. Res. 11.
        Zech, J. R. et al. (2018). Variable generalization performance of a deep learning model to
        detect pneumonia in chest radiographs. PLOS Med. 15(11): a model that learnt the hospital.
    """

    def __init__(
        self, *, tolerated: float = 0.25, permutations: int = 30, items: int = 1000
    ) -> None:
        if permutations < 2:
            raise ValueError(f"permutations must be at least 2, got {permutations}.")
        self.permutations, self.items = permutations, items
        self.claim = Claim(
            name="no-nuisance",
            cost=f"{1 + permutations} cross-validated classifiers in every class",
            sentence="Codes tell no nuisance variable beyond what the label explains.",
            kind="data",
            effect="balanced accuracy with which the worst nuisance is read off the codes of one "
            "class, rescaled to 0 at chance and 1 if never wrong",
            tolerance=Tolerance(
                at_most=tolerated,
                reason="told right five times in eight, a binary nuisance is a hint and no "
                "shortcut",
            ),
            remedy="Collect data in which the nuisance varies within each class, split by it "
            "(geolatent.data.split_by_indices), remove it from the inputs, and do not read classes "
            "off these codes: see data=confounded_site for a model of the failure.",
            minimum_sample=40,
            lower_bound=True,
        )

    @override
    def measure(self, subject: Subject) -> Measurement | NotApplicable:
        if subject.nuisance is None:
            return NotApplicable(
                "No nuisance variables were given (nuisance={'site': ...}, or {} if there are "
                "none).",
                lacking="nuisance",
            )
        if not subject.nuisance:
            return NotApplicable("There are no nuisance variables, as was stated.")
        name = self.claim.name
        rows = subject.sample(name, self.items).numpy()
        codes = subject.codes.double().cpu().numpy()[rows]
        labels = np.zeros(len(rows), dtype=int)
        if subject.labels is not None:
            labels = subject.labels.cpu().numpy()[rows]
        details: dict[str, float] = {}
        bounds: list[np.ndarray] = []
        sample, done = len(rows), self.permutations
        unmeasured = []
        for variable, values in subject.nuisance.items():
            strata = _strata(labels, values.cpu().numpy()[rows])
            told = sum(len(members) for members, _ in strata)
            if told < len(rows):
                unmeasured.append(
                    f"{len(rows) - told} of {len(rows)} codes are not in a class that holds two of "
                    f"the {len(values.unique())} values of {variable} {_FEWEST} times each; a "
                    "nuisance has to be groups that vary within classes."
                )
            if not strata:
                bounds.append(np.array([-math.inf, -math.inf, 1.0]))
                continue
            sample = min(sample, told)
            seed = subject.seed_of(f"{name} {variable}")
            rng = np.random.default_rng(seed)
            found, draws = _readable(codes, strata, rng)
            permuted = [
                _readable(codes, [(m, rng.permutation(s)) for m, s in strata], rng)
                for some in subject.in_time(self.permutations)
                for _ in range(some.start, some.stop)
            ]
            done = min(done, len(permuted))
            chance = np.array([effect for effect, _ in permuted])
            counted = float(np.mean([allowed.var() for _, allowed in permuted]))
            draws = widened(found, draws, chance, counted)
            low, high = skill_interval(draws, comparisons=len(subject.nuisance))
            # Where all are told right the counts allow less, but not instead.
            low, high = min(found, low), max(found, high)
            beyond = (np.array([found, low, high]) - chance.mean()) / (1 - chance.mean())
            details[variable] = float(beyond[0])
            share = told / len(rows)
            beyond[1] = min(beyond[1], share * beyond[1])  # the others may tell nothing
            beyond[2] = share * beyond[2] + 1 - share  # or all
            bounds.append(beyond)
            beaten = int((chance >= found).sum())
            details[f"{variable}: permutation p"] = (1 + beaten) / (1 + len(permuted))
            details |= _ridden(codes, labels, values.cpu().numpy()[rows], variable, seed=seed)
        effect, low, high = (float(column.max()) for column in np.array(bounds).T)
        if not details:
            effect, low, sample = math.nan, 0.0, 0
        return Measurement(
            effect,
            (low, high),
            sample,
            len(rows) - sample,
            details=details,
            planned=self.permutations,
            done=done,
            counted="permutations",
            said=" ".join(unmeasured),
        )


_Stratum = tuple[np.ndarray, np.ndarray]  # positions, and the nuisance of each


def _strata(labels: Int[np.ndarray, "n"], nuisance: np.ndarray) -> list[_Stratum]:
    """The classes in which two values of the nuisance or more occur often enough."""
    found = []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        _, values, counts = np.unique(nuisance[members], return_inverse=True, return_counts=True)
        kept = counts[values] >= _FEWEST
        if len(np.unique(values[kept])) > 1:
            found.append((members[kept], values[kept]))
    return found


def _ridden(
    codes: Float[np.ndarray, "n d"],
    labels: Int[np.ndarray, "n"],
    nuisance: np.ndarray,
    variable: str,
    *,
    seed: int,
) -> dict[str, float]:
    """How often the class is told right where the nuisance agrees with it, and where not."""
    _, classes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    kept = counts[classes] >= _FEWEST
    codes, labels, nuisance = codes[kept], labels[kept], nuisance[kept]
    if len(np.unique(labels)) < 2:
        return {}
    agrees = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        members = labels == label
        values, often = np.unique(nuisance[members], return_counts=True)
        agrees |= members & (nuisance == values[often.argmax()])
    right = cross_fitted_right(codes, labels, seed=seed)
    return {
        f"{variable}: class told right where it {where}": float(right[part].mean())
        for where, part in (("agrees", agrees), ("conflicts", ~agrees))
        if part.any()
    }


def _readable(
    codes: Float[np.ndarray, "n d"], strata: list[_Stratum], rng: np.random.Generator
) -> tuple[float, Float[np.ndarray, "t"]]:
    """The skill over all strata, and the skills that the counts allow."""
    weights = np.array([len(members) for members, _ in strata], dtype=float)
    weights /= weights.sum()
    recalls = [
        cross_fitted_recalls(codes[members], values, seed=int(rng.integers(2**31)))
        for members, values in strata
    ]
    effect = sum(w * skill(r) for w, r in zip(weights, recalls, strict=True))
    draws = sum(w * skill_draws(r, rng) for w, r in zip(weights, recalls, strict=True))
    return float(effect), np.asarray(draws)
