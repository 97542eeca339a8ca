"""Straight paths stay where the data are."""

import math
from typing import final

import torch
from typing_extensions import override

from geolatent.assumptions.assumption import Assumption
from geolatent.assumptions.claim import Claim
from geolatent.assumptions.combined_interval import combined_interval
from geolatent.assumptions.measurement import Items, Measurement, NotApplicable
from geolatent.assumptions.quantile_interval import quantile_interval
from geolatent.assumptions.subject import Subject
from geolatent.assumptions.tolerance import Tolerance
from geolatent.interpolation import nearest_distance, random_pairs, share_interval


@final
class PathsStayOnData(Assumption):
    r"""The share of midpoints of codes that decode farther from the data than codes of data do.

    .. math:: \min_{x \in B} \|f(\tfrac{a + b}{2}) - x\| >
        q_{.95}\bigl(\min_{x \in B} \|f(z) - x\|, \; z \in A\bigr)

    The data are halved at random: B is compared with, A are the codes of the other half. So what
    the decoder leaves out of every datum, noise and blur, is on both sides. Pairs are random and
    disjoint; of points distributed as the codes one in twenty would count by definition. The
    interval allows for the pairs and for the limit, which is known from half of the codes.
    Distances are root mean squares over the features.

    Args:
        quantile: of the distances from decoded codes to their nearest datum.
        tolerated: share of midpoints that may be off the data.
        items: data to compare with, at most.

    References:
        Arvanitidis, G., Hansen, L. K., Hauberg, S. (2018). Latent space oddity. arXiv 1710.11379.
    """

    def __init__(
        self, *, quantile: float = 0.95, tolerated: float = 0.2, items: int = 5000
    ) -> None:
        self.quantile, self.items = quantile, items
        self.claim = Claim(
            name="paths-stay-on-data",
            cost="distances of decoded codes and midpoints from all data",
            sentence="Straight lines between codes stay where the data are.",
            kind="statistics",
            effect="share of midpoints of random pairs that decode farther from any datum than "
            f"{quantile:.0%} of the codes of other data",
            tolerance=Tolerance(
                at_most=tolerated,
                reason="one in twenty is expected of codes themselves; one in five is a habit",
            ),
            remedy="Interpolate along geodesics or graph paths (geolatent interpolate), with a "
            "decoder that knows where it is uncertain (likelihood=gaussian_rbf).",
            minimum_sample=30,
        )

    @override
    def measure(self, subject: Subject) -> Measurement | NotApplicable:
        if subject.data is None:
            return NotApplicable("No data were given.", lacking="data")
        start, end = random_pairs(len(subject.codes), subject.pair_count, seed=subject.seed)
        codes = subject.codes
        decoded = subject.model.decode((codes[start] + codes[end]) / 2).flatten(1).double()
        data = subject.data.flatten(1).to(decoded)
        if decoded.shape[1] != data.shape[1]:
            raise ValueError(
                f"the decoder gives {decoded.shape[1]} features but the data have {data.shape[1]}; "
                "pass the data that the model describes."
            )
        known, fresh = subject.sample(self.claim.name, 2 * self.items).chunk(2)
        data = data[known.to(data.device)]
        to_data = nearest_distance(decoded, data)
        usual = nearest_distance(subject.model.decode(codes[fresh]).flatten(1).double(), data)
        known_usual = usual[usual.isfinite()].cpu().numpy()
        limit = float(usual.nanquantile(self.quantile))
        good = to_data[to_data.isfinite()]
        off, total = int((good > limit).sum()), len(good)
        failed = len(to_data) - total
        effect = off / total if total else math.nan
        nearer, farther = (
            int((good > bound).sum()) / max(total, 1)
            for bound in quantile_interval(
                known_usual, self.quantile, failed=len(usual) - len(known_usual)
            )
        )
        low, high = combined_interval(
            effect, share_interval(off, total, failed=failed), (farther, nearer)
        )
        ends = torch.stack([codes[start], codes[end]], 1)
        return Measurement(
            effect=effect,
            interval=(max(0.0, low), min(1.0, high)),
            sample=total,
            failed=failed,
            items=Items(ends.double().cpu().numpy(), to_data.cpu().numpy(), limit=limit),
            details={"limit": limit, "median distance": float(to_data.nanmedian())},
        )
