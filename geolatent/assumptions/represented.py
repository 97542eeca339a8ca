"""Every group is described as well as the others."""

import math
from typing import final

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor
from typing_extensions import override

from geolatent.assumptions.assumption import Assumption
from geolatent.assumptions.claim import Claim
from geolatent.assumptions.measurement import Items, Measurement, NotApplicable
from geolatent.assumptions.subject import Subject
from geolatent.assumptions.tolerance import Tolerance
from geolatent.latents import LatentModel


@final
class Represented(Assumption):
    r"""How much greater the error of the worst group is than that of all others.

    .. math:: \max_g \frac{E[\,\|x - \hat x\|^2 \mid g]}{E[\,\|x - \hat x\|^2 \mid \text{not } g]}

    Groups are the values of the labels and of every nuisance variable. A group with few items has a
    wide interval, and one below `fewest` none: it is not shown to be represented, however well it
    is described. Intervals are those of the ratio of two means on the logarithmic scale, widened
    after Bonferroni for the number of groups. Shares of the groups are in the details.

    With two groups whose errors are exactly as tolerated, 2 of 200 were violated and 2 held:
    `pytest -s -k false_alarms_of_groups tests/assumptions/test_data_claims.py`.

    Args:
        tolerated: ratio of mean squared errors.
        fewest: items below which nothing is said of a group.

    References:
        Mitchell, M. et al. (2019). Model cards for model reporting. arXiv 1810.03993: metrics
        broken down by group.
    """

    def __init__(self, *, tolerated: float = 2.0, fewest: int = 20) -> None:
        self.fewest = fewest
        self.claim = Claim(
            name="represented",
            cost="one decoding of all codes",
            sentence="Every group is described about as well as the others.",
            kind="data",
            effect="mean squared error of reconstruction of the worst group over that of others",
            tolerance=Tolerance(
                at_most=tolerated,
                reason="classes differ in how hard they are; twice the error is another matter",
            ),
            remedy="Collect more of that group or weight it in training, give the model more "
            "dimensions (dim=8), and report results for it apart.",
            minimum_sample=40,
        )

    @override
    def measure(self, subject: Subject) -> Measurement | NotApplicable:
        if subject.data is None:
            return NotApplicable("No data were given.", lacking="data")
        groups = dict(subject.nuisance or {})
        if subject.labels is not None:
            groups["label"] = subject.labels
        if not groups:
            return NotApplicable(
                "No labels and no nuisance variables were given: no groups.", lacking="labels"
            )
        rows = subject.sample(self.claim.name, len(subject.codes))
        error = np.concatenate(
            [
                _error(subject.model, subject.codes, subject.data, rows[some])
                for some in subject.in_time(len(rows))
            ]
        )
        rows = rows[: len(error)]
        good = np.isfinite(error)
        members = [
            (f"{name} {value}", column[rows.numpy()] == value)
            for name, values in groups.items()
            for column in [values.cpu().numpy()]
            for value in np.unique(column)
            if (column != value).any()
        ]
        if not members:
            return NotApplicable("All data are of one group.")
        if good.all() and not error.any():
            return NotApplicable("Every datum is given back exactly: no group has an error.")
        bounds, details = [], {}
        for name, member in members:
            details[f"share of {name}"] = float(member.mean())
            bounds.append(self._ratio(error[good & member], error[good & ~member], len(members)))
            details[f"error of {name}"] = float(bounds[-1][0])
            if (member & ~good).any():
                bounds[-1] = bounds[-1][0], bounds[-1][1], math.inf
        table = np.array(bounds)
        measured = table[np.isfinite(table[:, 0])]
        effect, low = measured[:, :2].max(0) if len(measured) else (math.nan, math.nan)
        return Measurement(
            effect=float(effect),
            interval=(float(low), float(table[:, 2].max())),
            sample=int(good.sum()),
            failed=int((~good).sum()),
            items=Items(
                subject.codes[rows.to(subject.codes.device)].unsqueeze(1).double().cpu().numpy(),
                error,
            ),
            details=details,
            planned=len(subject.codes),
        )

    def _ratio(
        self, group: Float[np.ndarray, "a"], others: Float[np.ndarray, "b"], groups: int
    ) -> tuple[float, float, float]:
        """The ratio of means with its interval."""
        if min(len(group), len(others)) < self.fewest or not min(group.mean(), others.mean()):
            return math.nan, -math.inf, math.inf
        from scipy.stats import t  # slow to import

        logarithm = math.log(group.mean() / others.mean())
        # The delta method: the variance of log of a mean is that of the mean over its square.
        variance = sum(e.var(ddof=1) / len(e) / e.mean() ** 2 for e in (group, others))
        degrees = min(len(group), len(others)) - 1
        half = float(t.ppf(1 - 0.025 / groups, degrees)) * math.sqrt(variance)
        return math.exp(logarithm), math.exp(logarithm - half), math.exp(logarithm + half)


def _error(
    model: LatentModel, codes: Float[Tensor, "n d"], data: Tensor, rows: Int[Tensor, "k"]
) -> Float[np.ndarray, "k"]:
    """Mean squared error of reconstruction of some data."""
    decoded = model.decode(codes[rows.to(codes.device)])
    x = data[rows.to(data.device)].to(decoded)
    if decoded[0].numel() != x[0].numel():
        raise ValueError(
            f"the decoder gives items of shape {tuple(decoded.shape[1:])} but the data have "
            f"{tuple(x.shape[1:])}; pass the data that the model describes."
        )
    return (decoded.flatten(1) - x.flatten(1)).double().square().mean(1).cpu().numpy()
