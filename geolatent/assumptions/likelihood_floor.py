"""No likelihood beats its own floor."""

import math
from typing import final

import numpy as np
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
from geolatent.models import elbo, iwae


@final
class LikelihoodFloor(Assumption):
    r"""By how much a likelihood exceeds the greatest that its family can give.

    .. math:: \log p(x | z) \le \sup_h \log p(x | h) = -\text{floor}(x)

    holds for every datum and code, so its greatest violation needs no statistics. For the mean of
    the importance-weighted bound it holds by Jensen's inequality, if samples and densities belong
    together. A reported mean is compared with the mean floor of all data, whose mean it is: a sum
    over too few items that is divided by the number of all can fall below it.

    Args:
        samples: of the importance-weighted bound.
        items: data to look at, at most.
        tolerated: excess in nats.

    References:
        Burda, Y., Grosse, R., Salakhutdinov, R. (2016). Importance weighted autoencoders.
        arXiv 1509.00519.
    """

    def __init__(self, *, samples: int = 64, items: int = 500, tolerated: float = 0.01) -> None:
        self.samples, self.items = samples, items
        self.claim = Claim(
            name="likelihood-floor",
            cost=f"{samples} decodings of {items} data, at most",
            sentence="No likelihood is greater than its family can give.",
            kind="integrity",
            effect="greatest excess of a log likelihood (of a datum, of the importance-weighted "
            "mean, of the reported mean) over the greatest possible one, in nats beyond rounding",
            tolerance=Tolerance(at_most=tolerated, reason="it is a theorem; the rest is rounding"),
            remedy="The number is wrong, not good: look for a sum that is divided by the wrong "
            "count (a last batch that was dropped), for clipped samples, and recompute it with "
            "geolatent.training.evaluate.",
            minimum_sample=20,
        )

    @override
    def measure(self, subject: Subject) -> Measurement | NotApplicable:
        found = model_with_data(subject, self.claim.name, self.items)
        if isinstance(found, NotApplicable):
            return found
        model, x, rows = found
        most = -model.likelihood.floor(x)
        if not most.isfinite().all():
            return NotApplicable(
                f"The density of {type(model.likelihood).__name__} is unbounded: it has no floor."
            )
        with subject.seeded(self.claim.name):
            both = [
                (
                    _excess(elbo(model, x[some]).log_likelihood, most[some]),
                    _excess(iwae(model, x[some], samples=self.samples), most[some]),
                )
                for some in subject.in_time(len(x))
            ]
        single, weighted = (np.concatenate(parts) for parts in zip(*both, strict=True))
        rows = rows[: len(single)]
        good = np.isfinite(single) & np.isfinite(weighted)
        greatest = float(single[good].max()) if good.any() else math.nan
        low, high = mean_interval(weighted[good])
        mean = float(weighted[good].mean()) if good.any() else math.nan
        reported = -math.inf
        if "nll" in subject.reported and subject.data is not None:
            # Of all data, not of those that were drawn: a floor that differs between data is exact.
            everything = -model.likelihood.floor(subject.data.flatten(1).to(x))
            stated = everything.new_full(everything.shape, -subject.reported["nll"])
            reported = float(_excess(stated, everything).mean())
        return Measurement(
            effect=max(greatest, mean, reported),
            interval=(
                max(greatest, low, reported),
                math.inf if not good.all() else max(greatest, high, reported),
            ),
            sample=int(good.sum()),
            failed=int((~good).sum()),
            items=Items(
                subject.codes[rows.to(subject.codes.device)].unsqueeze(1).double().cpu().numpy(),
                np.maximum(single, weighted),
                limit=self.claim.tolerance.at_most,
            ),
            details={"floor": -float(most.mean()), "importance-weighted excess": mean},
            planned=len(x),
        )


def _excess(log_likelihood: Tensor, most: Tensor) -> Float[np.ndarray, "n"]:
    # A sum of terms that nearly cancel keeps about four of float32's seven digits.
    slack = 1e-4 * (1 + most.abs())
    return (log_likelihood - most - slack).double().cpu().numpy()
