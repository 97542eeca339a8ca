"""How well a class can be told by a classifier that did not see the datum."""

import math

import numpy as np
from jaxtyping import Bool, Float, Int

_FOLDS = 5
_DRAWS = 4000


def cross_fitted_recalls(
    x: Float[np.ndarray, "n d"], y: Int[np.ndarray, "n"], *, seed: int
) -> Int[np.ndarray, "k 2"]:
    """How many of each class were told right, and how many there are, in five-fold cross-fitting.

    Args:
        x: features.
        y: classes, each at least five times.
        seed: of the folds.
    """
    right = cross_fitted_right(x, y, seed=seed)
    return np.array([[right[y == k].sum(), (y == k).sum()] for k in np.unique(y)])


def cross_fitted_right(
    x: Float[np.ndarray, "n d"], y: Int[np.ndarray, "n"], *, seed: int
) -> Bool[np.ndarray, "n"]:
    """Which items were told right by a classifier that was fitted to the other four fifths.

    The classifier is a support vector machine with Gaussian kernel on standardised features, every
    class weighted alike: it finds what is curved as well as what is linear.

    Args:
        x: features.
        y: classes, each at least five times.
        seed: of the folds.
    """
    from sklearn import config_context
    from sklearn.model_selection import StratifiedKFold
    from sklearn.svm import SVC

    spread = x.std(0)
    # Once for all folds: centre and scale know nothing of the classes.
    scaled = (x - x.mean(0)) / np.where(spread > 0, spread, 1)
    right = np.zeros(len(y), dtype=bool)
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
    # Thousands of small fits: checks of arguments and of classes took half of their time.
    with config_context(assume_finite=True, skip_parameter_validation=True):
        for train, test in folds.split(scaled, y):
            classes, counts = np.unique(y[train], return_counts=True)
            alike = dict(zip(classes, len(train) / (len(classes) * counts), strict=True))
            machine = SVC(class_weight=alike).fit(scaled[train], y[train])
            right[test] = machine.predict(scaled[test]) == y[test]
    return right


def skill(recalls: Int[np.ndarray, "k 2"]) -> float:
    """Balanced accuracy, rescaled so that chance is 0 and never wrong is 1."""
    return float(_rescaled((recalls[:, 0] / recalls[:, 1])[None])[0])


def skill_draws(
    recalls: Int[np.ndarray, "k 2"], rng: np.random.Generator
) -> Float[np.ndarray, "t"]:
    """Skills that the counts allow: each recall from its Beta posterior under Jeffreys' prior.

    Unlike a bootstrap it knows that nine right of nine is no certainty.
    """
    right, total = recalls[:, 0], recalls[:, 1]
    draws = rng.beta(right + 0.5, total - right + 0.5, (_DRAWS, len(recalls)))
    return _rescaled(draws)


def widened(
    found: float,
    draws: Float[np.ndarray, "t"],
    chance: Float[np.ndarray, "p"],
    counted: float,
) -> Float[np.ndarray, "t"]:
    """Draws that scatter as much as cross-fitted counts do.

    Folds share training data, so that counts scatter more than independent ones would: how much
    more is seen where nothing can be told. The chance itself, a mean over permutations, scatters
    too.

    Args:
        found: the skill.
        draws: of it, from independent counts.
        chance: skills with permuted classes.
        counted: mean variance of the draws with permuted classes.
    """
    scatter = chance.var(ddof=1) * (1 + 1 / len(chance))
    return found + (draws - found) * math.sqrt(max(1.0, scatter / counted))


def skill_interval(draws: Float[np.ndarray, "t"], *, comparisons: int = 1) -> tuple[float, float]:
    """The interval of a skill: its lower end of 95 %, its upper one of 99 %.

    A better classifier, or the same with more data, would tell more, never less: a skill errs to
    one side, and the upper end, on which `holds` rests, is drawn more widely. With 95 % on both
    sides, 5.4 and 7.5 % of audits at the edge of a tolerance held in place of 2.5 %.

    Args:
        draws: of the skill.
        comparisons: of which the worst counts (Bonferroni).
    """
    low, high = np.quantile(draws, [0.025 / comparisons, 1 - 0.005 / comparisons])
    return float(low), float(high)


def _rescaled(recalls: Float[np.ndarray, "t k"]) -> Float[np.ndarray, "t"]:
    chance = 1 / recalls.shape[1]
    return (recalls.mean(1) - chance) / (1 - chance)
