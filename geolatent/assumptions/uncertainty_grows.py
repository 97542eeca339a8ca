"""The decoder knows where it does not know."""

import math
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from typing_extensions import override

from geolatent.assumptions.assumption import Assumption
from geolatent.assumptions.claim import Claim
from geolatent.assumptions.measurement import Items, Measurement, NotApplicable
from geolatent.assumptions.subject import Subject
from geolatent.assumptions.tolerance import Tolerance
from geolatent.assumptions.verdict import Interval
from geolatent.interpolation import nearest_distance
from geolatent.latents import UncertainModel
from geolatent.manifolds import Compact
from geolatent.metrics import ManifoldMetric


@final
class UncertaintyGrows(Assumption):
    r"""Spearman's correlation of the decoder's uncertainty with the distance from the codes.

    .. math:: ρ\bigl(σ(z_i),\ \min_j \|z_i - c_j\|\bigr), \qquad z_i = c_{k(i)} + r_i\,s\,u_i

    Points are scattered around random codes c by up to `reach` standard deviations s of the codes,
    in random directions u. Distances are in the coordinates of the codes, each in its standard
    deviations. An uncertainty that is the same everywhere has the correlation 0.

    Args:
        tolerated: correlation that is at least wanted.
        points: how many.
        reach: the greatest r.

    References:
        Arvanitidis, G., Hansen, L. K., Hauberg, S. (2018). Latent space oddity. arXiv 1710.11379.
        Hauberg, S. (2018). Only Bayes should learn a manifold. arXiv 1806.04994.
        Bonett, D. G., Wright, T. A. (2000). Sample size requirements for estimating Pearson,
        Kendall and Spearman correlations. Psychometrika 65: the interval.
    """

    def __init__(self, *, tolerated: float = 0.5, points: int = 400, reach: float = 3.0) -> None:
        self.points, self.reach = points, reach
        self.claim = Claim(
            name="uncertainty-grows",
            cost=f"distances of {points} points from all codes",
            sentence="The decoder is less certain the farther it is from the data.",
            kind="statistics",
            effect="rank correlation of the decoder's uncertainty with the distance from the "
            "nearest code",
            tolerance=Tolerance(
                at_least=tolerated,
                reason="paths avoid empty regions if the order is mostly right; it need not be "
                "exact",
            ),
            remedy="Take a decoder whose uncertainty grows: likelihood=gaussian_rbf or "
            "likelihood=ensemble; without one, geodesics cross empty regions.",
            minimum_sample=100,
        )

    @override
    def measure(self, subject: Subject) -> Measurement | NotApplicable:
        model = subject.model
        if not isinstance(model, UncertainModel):
            return NotApplicable("The decoder says nothing of its uncertainty.")
        metric = model.assumed_metric()
        if isinstance(metric, ManifoldMetric) and isinstance(metric.manifold, Compact):
            return NotApplicable("The space closes up on itself: nothing in it is far away.")
        name, codes = self.claim.name, subject.codes
        random = subject.generator(name)
        spread = codes.std(0)
        spread = torch.where(spread > 0, spread, 1)  # a coordinate that never changes
        around = torch.randint(len(codes), (self.points,), generator=random)
        direction = torch.randn(self.points, codes.shape[1], generator=random)
        direction /= direction.norm(dim=1, keepdim=True)
        radius = self.reach * torch.rand(self.points, 1, generator=random)
        z = codes[around.to(codes.device)] + (radius * direction).to(codes) * spread
        # The root mean square difference over d coordinates, times √d, is the distance.
        distance = nearest_distance(z / spread, codes / spread) * codes.shape[1] ** 0.5
        far, uncertain = (v.double().cpu().numpy() for v in (distance, model.uncertainty(z)))
        good = ~np.isnan(uncertain)  # without bounds is as uncertain as can be
        failed = int((~good).sum())
        effect = _spearman(far[good], uncertain[good])
        low, high = _interval(effect, int(good.sum()))
        if failed:  # the others may go with the distance or against it
            order = np.where(far > np.median(far), np.inf, -np.inf)
            against, along = (
                _spearman(far, np.where(good, uncertain, sign * order)) for sign in (-1, 1)
            )
            low = min(low, _interval(against, len(far))[0])
            high = max(high, _interval(along, len(far))[1])
        return Measurement(
            effect=effect,
            interval=(low, high),
            sample=int(good.sum()),
            failed=failed,
            items=Items(z.unsqueeze(1).double().cpu().numpy(), _too_certain(far, uncertain)),
            details={"farthest, in standard deviations": float(far.max())},
        )


def _too_certain(
    far: Float[np.ndarray, "n"], uncertain: Float[np.ndarray, "n"]
) -> Float[np.ndarray, "n"]:
    """By how many ranks, as a share of all, a point is farther away than it is uncertain."""
    from scipy.stats import rankdata  # slow to import

    found = np.full(len(far), np.nan)
    good = ~np.isnan(uncertain)
    found[good] = (rankdata(far[good]) - rankdata(uncertain[good])) / max(good.sum(), 1)
    return found


def _spearman(a: Float[np.ndarray, "n"], b: Float[np.ndarray, "n"]) -> float:
    from scipy.stats import rankdata  # slow to import

    if len(a) < 2:
        return 0.0
    bounded = b[np.isfinite(b)]
    level = len(bounded) == len(b) and np.ptp(b) <= 1e-6 * abs(b).max()  # rounding is no order
    if np.ptp(a) == 0 or level or (b == b[0]).all():
        return 0.0
    return float(np.corrcoef(rankdata(a), rankdata(b))[0, 1])


def _interval(correlation: float, count: int) -> Interval:
    """Fisher's transformation, with the variance that ranks have."""
    if count < 4:
        return math.nan, math.nan
    error = math.sqrt((1 + correlation**2 / 2) / (count - 3))
    centre = math.atanh(min(max(correlation, -1 + 1e-12), 1 - 1e-12))
    return math.tanh(centre - 1.96 * error), math.tanh(centre + 1.96 * error)
