"""Data distances are tree-like, where a hyperbolic space is declared."""

from typing import final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from geolatent.assumptions.assumption import Assumption
from geolatent.assumptions.bootstrap_interval import bootstrap_interval
from geolatent.assumptions.claim import Claim
from geolatent.assumptions.declared_curvature import declared_curvature
from geolatent.assumptions.measurement import Measurement, NotApplicable
from geolatent.assumptions.subject import Subject
from geolatent.assumptions.tolerance import Tolerance


@final
class TreeLike(Assumption):
    r"""How far random quadruples of data are from a tree, beside data without any structure.

    .. math:: δ_i = \frac{s_1 - s_2}{\max d}, \qquad s_1 \ge s_2 \ge s_3 \text{ the sums of opposite
        sides}

    is 0 in a tree (Gromov's four-point condition) and at most 1. Reported is the mean δ of the data
    over that of normal data with the same covariance, which has no tree in it.

    Args:
        tolerated: the ratio that still counts as tree-like.
        quadruples: how many, at most, with disjoint corners.

    References:
        Gromov, M. (1987). Hyperbolic groups. Khrulkov, V. et al. (2020). Hyperbolic image
        embeddings. arXiv 1904.02239, who use the greatest δ, for which there is no interval.
    """

    def __init__(self, *, tolerated: float = 0.5, quadruples: int = 500) -> None:
        self.quadruples = quadruples
        self.claim = Claim(
            name="tree-like",
            cost=f"distances within {quadruples} quadruples of data, at most",
            sentence="The data have the distances of a tree, as a hyperbolic space wants them.",
            kind="geometry",
            effect="mean relative δ of quadruples over that of normal data of equal covariance",
            tolerance=Tolerance(
                at_most=tolerated, reason="half-way between a tree, 0, and no structure, 1"
            ),
            remedy="Compare with latent=euclidean; hyperbolic codes promise nothing here.",
            minimum_sample=30,
        )

    @override
    def measure(self, subject: Subject) -> Measurement | NotApplicable:
        curvature = declared_curvature(subject.model)
        if curvature is None or not curvature < 0:
            return NotApplicable("No hyperbolic space is declared.")
        if subject.data is None:
            return NotApplicable("There are no data to measure distances between.", lacking="data")
        rows = subject.sample(self.claim.name, 4 * self.quadruples)
        rows = rows[: len(rows) // 4 * 4]
        data = subject.data[rows].flatten(1).double().cpu()
        deviation = data - data.mean(0)
        # Σ ε_i (x_i − mean) / √n has the covariance of the data, whatever their dimension.
        mixing = torch.randn(
            len(data), len(data), generator=subject.generator("normal data"), dtype=torch.float64
        )
        normal = mixing @ deviation / len(data) ** 0.5
        ours, theirs = _relative_delta(data), _relative_delta(normal)
        return Measurement(
            effect=float(ours.mean() / theirs.mean()),
            interval=bootstrap_interval(
                lambda x, y: x.mean() / y.mean(),
                ours,
                theirs,
                seed=subject.seed_of(self.claim.name),
            ),
            sample=len(ours),
            details={"mean δ of the data": float(ours.mean()), "of normal data": theirs.mean()},
        )


def _relative_delta(x: Float[Tensor, "n p"]) -> Float[np.ndarray, "k"]:
    corners = x.view(-1, 4, x.shape[1])
    side = torch.cdist(corners, corners, compute_mode="donot_use_mm_for_euclid_dist")
    sums = torch.stack(
        [
            side[:, 0, 1] + side[:, 2, 3],
            side[:, 0, 2] + side[:, 1, 3],
            side[:, 0, 3] + side[:, 1, 2],
        ],
        1,
    )
    largest, second, _ = sums.sort(dim=1, descending=True).values.unbind(1)
    widest = side.amax((1, 2))
    return ((largest - second) / torch.where(widest > 0, widest, 1)).numpy()
