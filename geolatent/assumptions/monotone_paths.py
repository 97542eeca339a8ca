"""On the way to a class its probability never falls."""

import math
from collections.abc import Iterator
from typing import final

import numpy as np
from jaxtyping import Float, Int
from typing_extensions import override

from geolatent.assumptions.assumption import Assumption
from geolatent.assumptions.claim import Claim
from geolatent.assumptions.combined_interval import combined_interval
from geolatent.assumptions.measurement import Items, Measurement, NotApplicable
from geolatent.assumptions.subject import Subject
from geolatent.assumptions.tolerance import Tolerance
from geolatent.interpolation import share_interval

_LANDMARKS = 50
_WEIGHTS = (1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0)  # of the likelihood against the ridge
_REFITS = 50  # to resampled codes
_FOLDS = 5
_FEWEST = 10  # codes of a class in each half


@final
class MonotonePaths(Assumption):
    r"""The share of straight paths between classes on which the probability of the second falls.

    .. math:: \max_{s < t} \bigl(P(B | γ(s)) - P(B | γ(t))\bigr) > τ, \qquad γ(0) \in A,\ γ(1) \in B

    P is a logistic regression on codes and Gaussian features (Nyström), as smooth as
    cross-validation asks for, fitted on the other half of the codes: neither end of a path took
    part in it. The interval has three parts. So many paths were drawn. Other codes would have
    given another P, whose errors lower it on more paths than not: the basic bootstrap takes this
    bias back. And cross-validation could as well have asked for the smoothest P within a standard
    error of the best. If moving towards B can lower P(B), "more of this direction causes B" cannot
    be meant without exceptions: there is prevention.

    What this does not identify: whether changing anything in the world moves codes along the path;
    whether the label causes the code, the code the label, or a third thing both. P is an
    association among the data that were seen. Where there are none it is the classifier's guess,
    so a fall in an empty region says that the path leaves the data and no more.

    Args:
        threshold: τ, the fall in probability that counts.
        tolerated: share of paths on which it may fall.
        steps: points of a path.
        items: codes to look at, at most; half of them are walked at a time.

    References:
        Hastie, T., Tibshirani, R., Friedman, J. (2009). The elements of statistical learning, 7.10:
        the rule of one standard error.
        Imbens, G. W., Angrist, J. D. (1994). Identification and estimation of local average
        treatment effects. Econometrica 62: monotonicity.
        Pearl, J. (1999). Probabilities of causation. Synthese 121: no prevention.
    """

    def __init__(
        self,
        *,
        threshold: float = 0.1,
        tolerated: float = 0.1,
        steps: int = 21,
        items: int = 2000,
    ) -> None:
        self.threshold, self.steps, self.items = threshold, steps, items
        self.claim = Claim(
            name="monotone-paths",
            cost="classifiers of half of the codes, refitted for the interval",
            sentence="Moving in a straight line from one class to another never lowers the "
            "probability of the other on the way.",
            kind="causal",
            effect="share of random paths between classes on which the probability of the class "
            f"at the end falls by more than {threshold:g}",
            tolerance=Tolerance(
                at_most=tolerated, reason="conclusions survive when one path in ten is off"
            ),
            remedy="Do not read a direction of the latent space as an effect. Move along geodesics "
            "or graph paths (geolatent interpolate), or within the region where it holds.",
            minimum_sample=30,
        )

    @override
    def measure(self, subject: Subject) -> Measurement | NotApplicable:
        if subject.labels is None:
            return NotApplicable("No labels were given.", lacking="labels")
        name = self.claim.name
        codes = subject.codes.double().cpu().numpy()
        labels = subject.labels.cpu().numpy()
        order = subject.sample(name, self.items).numpy()
        halves = order[: len(order) // 2], order[len(order) // 2 :]
        ends, falls, smoothest, refitted = [], [], [], []
        for k, (fitted, walked) in enumerate((halves, halves[::-1])):
            classes, counts = np.unique(labels[fitted], return_counts=True)
            classes = classes[counts >= _FEWEST]
            known = walked[np.isin(labels[walked], classes)]
            count = len(known) // 2
            start, end = known[:count], known[count : 2 * count]
            differ = labels[start] != labels[end]
            start, end = start[differ], end[differ]
            if len(classes) < 2 or not len(start):
                continue
            used = fitted[np.isin(labels[fitted], classes)]
            time = np.linspace(0, 1, self.steps)[:, None]
            points = codes[start][:, None] + time * (codes[end] - codes[start])[:, None]
            tables = _probabilities(
                codes[used],
                labels[used],
                points.reshape(-1, codes.shape[1]),
                seed=subject.seed_of(f"{name} {k}"),
            )
            column = np.searchsorted(classes, labels[end])
            fall, smooth = (_greatest_fall(next(tables), column) for _ in range(2))
            others = [
                _greatest_fall(next(tables), column)
                for some in subject.in_time(_REFITS)
                for _ in range(some.start, some.stop)
            ]
            falls.append(fall)
            smoothest.append(smooth)
            refitted.append(others)
            ends.append(points[:, [0, -1]])
        if not falls:
            return NotApplicable(f"There are no two classes of {2 * _FEWEST} codes.")
        fall = np.concatenate(falls)
        count, total = int((fall > self.threshold).sum()), len(fall)
        share = count / total
        smoother = float((np.concatenate(smoothest) > self.threshold).mean())
        done = min(map(len, refitted))  # a lack of time may have left fewer of one half
        again = np.concatenate([others[:done] for others in refitted], 1)
        low, high = np.quantile((again > self.threshold).mean(1), [0.025, 0.975])
        of_fit = max(0.0, 2 * share - high), min(1.0, 2 * share - low)
        of_smoothness = min(share, smoother), max(share, smoother)
        of_count = share_interval(count, total)
        low, high = combined_interval(share, of_count, of_fit, of_smoothness)
        return Measurement(
            effect=share,
            interval=(max(0.0, low), min(1.0, high)),
            sample=total,
            items=Items(np.concatenate(ends), fall, limit=self.threshold),
            details={"median fall": float(np.median(fall)), "greatest fall": float(fall.max())},
            planned=_REFITS,
            done=done,
            counted="refits",
        )


def _greatest_fall(
    table: Float[np.ndarray, "p k"], column: Int[np.ndarray, "n"]
) -> Float[np.ndarray, "n"]:
    """Of the probability of a class of each path, over the points of the path."""
    count = len(column)
    of_end = table.reshape(count, len(table) // count, -1)[np.arange(count), :, column]
    return (np.maximum.accumulate(of_end, 1) - of_end).max(1)


def _probabilities(
    x: Float[np.ndarray, "n d"], y: np.ndarray, at: Float[np.ndarray, "p d"], *, seed: int
) -> Iterator[Float[np.ndarray, "p k"]]:
    """Of the classes, in the order of their names: fitted, smoothest, refitted without end.

    Each refit is to resampled codes.
    """
    from sklearn.kernel_approximation import Nystroem
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, StratifiedKFold
    from sklearn.pipeline import make_pipeline, make_union
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    # The codes themselves beside the Gaussian features: those alone fade away from the data, and
    # with them every probability.
    gaussian = Nystroem(n_components=min(_LANDMARKS, len(x)), random_state=seed)
    features = make_pipeline(StandardScaler(), make_union(FunctionTransformer(), gaussian)).fit(x)
    fitted, asked = features.transform(x), features.transform(at)
    # How smooth it is decides what falls: the likelihood of data left out chooses, not we.
    search = GridSearchCV(
        LogisticRegression(max_iter=1000),
        {"C": _WEIGHTS},
        scoring="neg_log_loss",
        cv=StratifiedKFold(_FOLDS, shuffle=True, random_state=seed),
    ).fit(fitted, y)
    yield search.predict_proba(asked)
    mean = search.cv_results_["mean_test_score"]
    error = search.cv_results_["std_test_score"][search.best_index_] / math.sqrt(_FOLDS - 1)
    smoothest = int(np.flatnonzero(mean >= search.best_score_ - error)[0])  # the weights ascend
    smooth = LogisticRegression(C=_WEIGHTS[smoothest], max_iter=1000).fit(fitted, y)
    yield smooth.predict_proba(asked)
    rng = np.random.default_rng(seed)
    classes = [np.flatnonzero(y == one) for one in np.unique(y)]
    while True:
        # Within the classes: none is lost.
        rows = np.concatenate([rng.choice(rows, len(rows)) for rows in classes])
        yield search.best_estimator_.fit(fitted[rows], y[rows]).predict_proba(asked)
