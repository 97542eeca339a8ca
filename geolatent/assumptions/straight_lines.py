"""Straight lines in the codes are geodesics."""

from typing import final

import torch
from typing_extensions import override

from geolatent.assumptions.assumption import Assumption
from geolatent.assumptions.claim import Claim
from geolatent.assumptions.measurement import Items, Measurement
from geolatent.assumptions.subject import Subject
from geolatent.assumptions.tolerance import Tolerance
from geolatent.interpolation import share_interval


@final
class StraightLines(Assumption):
    r"""The share of random pairs whose straight line is too long.

    .. math:: \frac{L(\text{straight})}{L(\text{geodesic})} - 1 > τ

    Geodesics are local minima of energy: where shorter ones exist, lines bend more than is said.

    Args:
        threshold: τ, the relative excess from which a pair counts as bent.
        tolerated: share of pairs that may be bent.

    References:
        Arvanitidis, G., Hansen, L. K., Hauberg, S. (2018). Latent space oddity. arXiv 1710.11379.
        Shao, H., Kumar, A., Fletcher, P. T. (2018). The Riemannian geometry of deep generative
        models. arXiv 1711.08014: evidence that it often holds.
    """

    def __init__(self, *, threshold: float = 0.05, tolerated: float = 0.10) -> None:
        self.threshold = threshold
        self.claim = Claim(
            name="straight-lines",
            cost="the geodesics of all pairs, and on the affine decoder",
            sentence="Straight lines between codes are geodesics of the decoder.",
            kind="geometry",
            effect=f"share of random pairs whose straight line is more than {threshold:.0%} longer "
            "than the geodesic",
            tolerance=Tolerance(
                at_most=tolerated,
                reason="conclusions from many pairs survive when one in ten is off",
            ),
            remedy="Interpolate, average and cluster along geodesics (geolatent.geodesics.connect, "
            "geolatent interpolate), or train a decoder that is regularised to be flat "
            "(regulariser=flat).",
            minimum_sample=30,
            has_null=True,
        )

    @override
    def measure(self, subject: Subject) -> Measurement:
        pairs = subject.pairs
        excess = pairs.path.straight_excess.masked_fill(~pairs.found, torch.nan)
        values = excess.double().cpu().numpy()
        good = values[excess.isfinite().cpu().numpy()]
        bent, failed = int((good > self.threshold).sum()), len(values) - len(good)
        ends = torch.stack([subject.codes[pairs.start], subject.codes[pairs.end]], 1)
        return Measurement(
            effect=bent / len(good) if len(good) else float("nan"),
            interval=share_interval(bent, len(good), failed=failed),
            sample=len(good),
            failed=failed,
            items=Items(ends.double().cpu().numpy(), values, limit=self.threshold),
            details={"median excess": float(excess.nanmedian())},
            planned=subject.pair_count,
            said=pairs.said,
        )
