"""The declared geometry fits the induced one."""

import math
from dataclasses import astuple, replace
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from geolatent.assumptions.assumption import Assumption
from geolatent.assumptions.claim import Claim
from geolatent.assumptions.combined_interval import combined_interval
from geolatent.assumptions.curved_over_flat import curved_over_flat
from geolatent.assumptions.declared_curvature import declared_curvature
from geolatent.assumptions.measurement import Items, Measurement, NotApplicable
from geolatent.assumptions.no_curvature import no_curvature
from geolatent.assumptions.quantile_interval import quantile_interval
from geolatent.assumptions.subject import Subject
from geolatent.assumptions.tolerance import Tolerance
from geolatent.assumptions.triangles import Triangles
from geolatent.geodesics import connect


@final
class DeclaredGeometry(Assumption):
    r"""How far the curvature that the decoder induces is from the declared one.

    .. math:: \operatorname{median}_i \, (K_i - K s_i^{-2}) \, \ell^2

    K_i is the curvature of a space that holds the i-th geodesic triangle of random codes with its
    median (`Triangles`), s_i the scale of induced over declared perimeter: a decoder may enlarge a
    geometry as a whole. ℓ is a third of the median perimeter, known from the same triangles: the
    interval allows for that too. The reason says which geometry it is, and how much better than a
    flat one it describes the triangles: a curvature that misfits is the middle of very different
    ones.

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
            cost=f"four geodesics for each of {triangles} triangles, at most",
            sentence="The curvature that the model declares is that of its decoder.",
            kind="geometry",
            effect="curvature of the typical triangle minus declared one, times the squared third "
            "of the median perimeter",
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
        lacking = no_curvature(subject)
        if lacking is not None:
            return lacking
        found = subject.triangles(self.triangles)
        planned, a, b, c = min(self.triangles, len(subject.codes) // 3), *found.corners
        sides = connect(subject.model.assumed_metric(), torch.cat([a, a, b]), torch.cat([b, c, c]))
        good = sides.converged.view(3, -1).all(0).cpu()
        if not good.any():
            return Measurement(math.nan, (-math.inf, math.inf), 0, found.looked, planned=planned)
        perimeter = sides.length.view(3, -1).sum(0).cpu()[good].double().numpy()
        measured = _measurement(
            declared,
            Triangles(*(side[good.numpy()] for side in astuple(found.triangles))),
            perimeter,
            found.corners[:, good],
            found.looked,
            self.claim.tolerance.at_most,
        )
        return replace(measured, planned=planned)


def _measurement(
    declared: float,
    triangles: Triangles,
    perimeter: Float[np.ndarray, "b"],
    corners: Float[Tensor, "3 b d"],
    count: int,
    tolerated: float,
) -> Measurement:
    failed = count - len(triangles.am)
    scaled = declared * (perimeter / triangles.perimeter) ** 2  # K in the unit of the decoder
    curvature = triangles.curvature()
    side = float(np.median(triangles.perimeter)) / 3
    difference = (curvature - scaled) * side**2
    effect = float(np.median(difference))
    of_side = sorted(
        float(np.median(curvature - scaled)) * (max(0.0, bound) / 3) ** 2
        for bound in quantile_interval(triangles.perimeter, failed=failed)
    )
    best = float(np.median(curvature))
    low, high = quantile_interval(curvature, failed=failed)
    better = curved_over_flat(triangles, curvature)
    return Measurement(
        effect=effect,
        interval=combined_interval(
            effect, quantile_interval(difference, failed=failed), (of_side[0], of_side[1])
        ),
        sample=len(difference),
        failed=failed,
        items=Items(corners.movedim(0, 1).double().cpu().numpy(), np.abs(difference)),
        details={
            "typical curvature": best,
            "typical curvature, low": low,
            "typical curvature, high": high,
            "declared curvature, in the same unit": float(np.median(scaled)),
            "misfit of the typical curvature": better.misfit,
            "misfit of a flat space": better.flat_misfit,
            "misfit less than a flat space's, low": better.low,
            "misfit less than a flat space's, high": better.high,
        },
        said=f"The typical triangle {_shape(low, high, tolerated / side**2)}, K = {best:.3g} "
        f"[{low:.3g}, {high:.3g}]: {better}"
        + (f"; {failed} more triangles could not be measured." if failed else "."),
    )


def _shape(low: float, high: float, tolerated: float) -> str:
    """What a triangle is whose curvature lies between the two."""
    if low > 0:
        return "is spherical"
    if high < 0:
        return "is hyperbolic"
    flat = -tolerated <= low and high <= tolerated
    return "is as good as flat" if flat else "has a curvature of no certain sign"
