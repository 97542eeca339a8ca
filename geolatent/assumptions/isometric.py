"""Distances in codes are proportional to induced ones."""

import math
from typing import final

import numpy as np
import torch
from typing_extensions import override

from geolatent.assumptions.assumption import Assumption
from geolatent.assumptions.claim import Claim
from geolatent.assumptions.log_variance_error import log_variance_error
from geolatent.assumptions.measurement import Items, Measurement
from geolatent.assumptions.subject import Subject
from geolatent.assumptions.tolerance import Tolerance
from geolatent.geodesics import connect


@final
class Isometric(Assumption):
    r"""The spread of the ratio of two distances, that of the declared and of the induced geometry.

    .. math:: \operatorname{sd}_i \,
        \log \frac{d_\text{induced}(x_i, y_i)}{d_\text{declared}(x_i, y_i)}

    Zero for an isometry and its multiples. An affine decoder need not be one: it may stretch one
    direction more than another. The detail 'after a linear map' is the same for distances that the
    affine decoder nearest to this one induces: where it is small, whitening the codes is enough.

    A single pair can carry any spread: where one could not be measured there is no upper bound, and
    the lower one is that of pairs which are as the mean.

    Args:
        tolerated: the spread that is allowed, as a share of a distance.
    """

    def __init__(self, *, tolerated: float = 0.10) -> None:
        self.claim = Claim(
            name="isometric",
            cost="the geodesics of all pairs, and declared distances",
            sentence="Distances between codes are proportional to distances that the decoder "
            "induces.",
            kind="geometry",
            effect="standard deviation of the logarithm of induced over declared distance, over "
            "random pairs",
            tolerance=Tolerance(
                at_most=tolerated,
                reason="neighbours and clusters survive when distances are off by a tenth",
            ),
            remedy="Use geodesic distances (geolatent.geodesics.distance_matrix), or train with "
            "regulariser=isometric.",
            minimum_sample=30,
        )

    @override
    def measure(self, subject: Subject) -> Measurement:
        pairs = subject.pairs
        start, end = subject.codes[pairs.start], subject.codes[pairs.end]
        induced = pairs.path.length.masked_fill(~pairs.path.converged, torch.nan)
        assumed = connect(subject.model.assumed_metric(), start, end)
        declared = assumed.length.masked_fill(~assumed.converged, torch.nan)
        flat = subject.null().pairs.path
        linear = flat.length.masked_fill(~flat.converged, torch.nan)
        usable = (induced > 0) & (declared > 0) & induced.isfinite() & declared.isfinite()
        ratio = torch.where(usable, induced / declared, torch.nan).log().double().cpu().numpy()
        both = min(len(induced), len(linear))  # a lack of time may have left fewer of either
        some_linear, some_induced = linear[:both], induced[:both]
        comparable = usable[:both] & (some_linear > 0)
        left = torch.where(comparable, some_induced / some_linear, torch.nan).log()
        left = left[left.isfinite()]
        good = ratio[np.isfinite(ratio)]
        ends = torch.stack([start, end], 1).double().cpu().numpy()
        some, failed = len(good) >= 2, len(ratio) - len(good)
        spread = float(np.std(good, ddof=1)) if some else math.nan
        # Of a standard deviation half the error of the variance; a percentile bootstrap's upper
        # bound was below the spread of a sphere in 8.5 % of 200 samples.
        factor = math.exp(1.96 * float(log_variance_error(good)) / 2) if some else math.inf
        low, high = (spread / factor, spread * factor) if some else (-math.inf, math.inf)
        if failed:
            low, high = low * math.sqrt(len(good) / len(ratio)), math.inf
        return Measurement(
            effect=spread,
            interval=(low, high),
            sample=len(good),
            failed=failed,
            items=Items(ends, np.abs(ratio - np.median(good)) if some else ratio),
            details={"after a linear map": float(left.std()) if len(left) > 1 else math.nan},
            planned=subject.pair_count,
            said=pairs.said,
        )
