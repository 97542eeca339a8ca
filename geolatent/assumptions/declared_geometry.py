"""The declared geometry fits the induced one."""

import math
from typing import final

import numpy as np
import torch
from typing_extensions import override

from geolatent.assumptions.assumption import Assumption
from geolatent.assumptions.claim import Claim
from geolatent.assumptions.curvature_fit import CurvatureFit, Triangles, fit_curvature
from geolatent.assumptions.declared_curvature import declared_curvature
from geolatent.assumptions.measurement import Items, Measurement, NotApplicable
from geolatent.assumptions.subject import Subject
from geolatent.assumptions.tolerance import Tolerance
from geolatent.geodesics import connect, measure
from geolatent.metrics import Metric

_HALF = 17  # points on half a side


@final
class DeclaredGeometry(Assumption):
    r"""How far the curvature that fits best is from the declared one.

    .. math:: (\hat K - K s^{-2}) \, \ell^2

    K̂ is fitted to geodesic triangles of random codes (`fit_curvature`), ℓ is their median side, and
    s the scale of induced over declared distances: a decoder may enlarge a geometry as a whole.
    The details say which geometry it is, and how much better than a flat one it describes the
    triangles: a curvature that misfits is a mean of very different ones.

    Args:
        tolerated: the greatest difference, without unit; 0.6 is 5 % of a hypotenuse over two legs
            of length ℓ.
        triangles: how many, at most, with disjoint corners.

    References:
        Gu, A. et al. (2019). Learning mixed-curvature representations in product spaces. ICLR: the
        curvature of a triangle by its median.
    """

    def __init__(self, *, tolerated: float = 0.6, triangles: int = 100) -> None:
        self.triangles = triangles
        self.claim = Claim(
            name="declared-geometry",
            sentence="The curvature that the model declares is that of its decoder.",
            kind="geometry",
            effect="best constant curvature minus declared one, times the squared median distance",
            tolerance=Tolerance(
                at_least=-tolerated,
                at_most=tolerated,
                reason="right angles then give distances to 5 %",
            ),
            remedy="Declare the geometry whose curvature fits (latent=hyperbolic, latent=sphere, "
            "latent=euclidean), and learn its curvature.",
            minimum_sample=20,
            has_null=True,
        )

    @override
    def measure(self, subject: Subject) -> Measurement | NotApplicable:
        declared = declared_curvature(subject.model)
        if declared is None:
            return NotApplicable("The declared geometry has no single curvature.")
        if subject.codes.shape[1] == 1:
            return NotApplicable("A space of one dimension has no curvature.")
        count = min(self.triangles, len(subject.codes) // 3)
        rows = subject.sample(self.claim.name, 3 * count)
        corners = subject.codes[rows].view(3, count, -1)
        triangles, good = _triangles(subject.model.induced_metric(), *corners.unbind(0))
        if int(good.sum()) < 2:
            return Measurement(math.nan, (math.nan, math.nan), int(good.sum()), count)
        fit = fit_curvature(triangles, seed=subject.seed_of(self.claim.name))
        # Over the sides AB of the same triangles.
        sides = connect(subject.model.assumed_metric(), corners[0][good], corners[1][good]).length
        scale = float(np.median(triangles.ab / sides.double().cpu().numpy()))
        return _measurement(fit, declared / scale**2, triangles, corners[:, good], count)


def _measurement(
    fit: CurvatureFit,
    declared: float,
    triangles: Triangles,
    corners: torch.Tensor,
    count: int,
) -> Measurement:
    low, high = fit.interval
    square = fit.unit**2
    off = np.abs(triangles.median(declared) - triangles.am) / triangles.am
    return Measurement(
        effect=(fit.curvature - declared) * square,
        interval=((low - declared) * square, (high - declared) * square),
        sample=len(off),
        failed=count - len(off),
        items=Items(corners.movedim(0, 1).double().cpu().numpy(), off),
        details={
            "best curvature": fit.curvature,
            "best curvature, low": low,
            "best curvature, high": high,
            "declared curvature, in the same unit": declared,
            "misfit of the best curvature": fit.misfit,
            "misfit of a flat space": fit.flat_misfit,
        },
    )


def _triangles(
    metric: Metric, a: torch.Tensor, b: torch.Tensor, c: torch.Tensor
) -> tuple[Triangles, torch.Tensor]:
    """The triangles that could be measured, and which they are."""
    count = len(a)
    sides = connect(metric, torch.cat([a, a, b]), torch.cat([b, c, c]))
    ab, ac, bc = (sides[slice(i * count, (i + 1) * count)] for i in range(3))
    t = torch.linspace(0, 1, 2 * _HALF - 1, dtype=a.dtype, device=a.device)
    points = bc(t)
    halves = measure(metric, torch.cat([points[:, :_HALF], points[:, _HALF - 1 :]])).length
    # Where a side is not finite there is no middle to go to.
    middle = torch.where(bc.converged[:, None], points[:, _HALF - 1], b)
    am = connect(metric, a, middle)
    bm, mc = halves.chunk(2)
    lengths = torch.stack([ab.length, ac.length, bm, mc, am.length])
    good = ab.converged & ac.converged & bc.converged & am.converged
    good &= (lengths > 0).all(0) & lengths.isfinite().all(0)
    return Triangles(*lengths[:, good].double().cpu().numpy()), good
