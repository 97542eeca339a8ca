"""What is reported of a likelihood is what the model gives."""

import math
from typing import final

import numpy as np
import torch
from typing_extensions import override

from geolatent.assumptions.assumption import Assumption
from geolatent.assumptions.claim import Claim
from geolatent.assumptions.measurement import Items, Measurement, NotApplicable
from geolatent.assumptions.model_with_data import model_with_data
from geolatent.assumptions.subject import Subject
from geolatent.assumptions.tolerance import Tolerance
from geolatent.models import iwae

_REPEATS = 4


@final
class ReportedLikelihood(Assumption):
    r"""How much better the reported negative log likelihood is than the recomputed one.

    .. math:: -\frac1n \sum_i \log \hat p(x_i) - \text{reported}

    with every datum counted once. A dropped last batch shows here long before the mean falls below
    the floor. The data must be those that the report speaks of: their scatter is not in the
    interval, only that of the draws and, beyond `items`, of the choice of data.

    Args:
        samples: of the importance-weighted bound, in each of four repetitions.
        items: data to evaluate, at most.
        tolerated: nats an item by which a report may be better.

    References:
        Burda, Y., Grosse, R., Salakhutdinov, R. (2016). Importance weighted autoencoders.
        arXiv 1509.00519.
    """

    def __init__(self, *, samples: int = 64, items: int = 2000, tolerated: float = 0.5) -> None:
        self.samples, self.items = samples, items
        self.claim = Claim(
            name="reported-likelihood",
            cost=f"{_REPEATS * samples} decodings of {items} data, at most",
            sentence="The reported likelihood is no better than what the model gives these data.",
            kind="integrity",
            effect="recomputed minus reported negative log likelihood, in nats an item",
            tolerance=Tolerance(
                at_most=tolerated,
                reason="more importance samples than are drawn here gain tenths of a nat",
            ),
            remedy="Recompute it with geolatent.training.evaluate, which weights every item alike; "
            "look for a last batch that was dropped and for a division by the wrong count.",
            minimum_sample=20,
        )

    @override
    def measure(self, subject: Subject) -> Measurement | NotApplicable:
        if "nll" not in subject.reported:
            return NotApplicable("No likelihood was reported (reported={'nll': ...}).")
        found = model_with_data(subject, self.claim.name, self.items)
        if isinstance(found, NotApplicable):
            return found
        model, x, rows = found
        with subject.seeded(self.claim.name):
            blocks = [
                torch.stack([-iwae(model, x[some], samples=self.samples) for _ in range(_REPEATS)])
                for some in subject.in_time(len(x))
            ]
        table = torch.cat(blocks, 1).double().cpu().numpy()
        looked, planned = table.shape[1], len(x)
        rows = rows[:looked]
        good = np.isfinite(table).all(0)
        values, kept = table[:, good].mean(0), int(good.sum())
        if kept < 2:
            return Measurement(math.nan, (math.nan, math.nan), kept, looked - kept, planned=planned)
        variance = table[:, good].var(0, ddof=1).mean() / _REPEATS
        variance += (1 - looked / len(subject.codes)) * values.var(ddof=1)
        half = 1.96 * math.sqrt(variance / kept)
        effect = float(values.mean()) - subject.reported["nll"]
        return Measurement(
            effect=effect,
            interval=(effect - half, math.inf if kept < looked else effect + half),
            sample=kept,
            failed=looked - kept,
            items=Items(
                subject.codes[rows.to(subject.codes.device)].unsqueeze(1).double().cpu().numpy(),
                np.where(good, table.mean(0), np.nan),
            ),
            details={
                "recomputed": float(values.mean()),
                "reported over recomputed": subject.reported["nll"] / float(values.mean()),
            },
            planned=planned,
        )
