"""The induced curvature is zero."""

import math
from typing import final

import numpy as np
import torch
from typing_extensions import override

from geolatent.assumptions.assumption import Assumption
from geolatent.assumptions.claim import Claim
from geolatent.assumptions.combined_interval import combined_interval
from geolatent.assumptions.measurement import Items, Measurement, NotApplicable
from geolatent.assumptions.quantile_interval import quantile_interval
from geolatent.assumptions.smooth import Smooth
from geolatent.assumptions.subject import Subject
from geolatent.assumptions.tolerance import Tolerance
from geolatent.curvature import sectional
from geolatent.interpolation import share_interval


@final
class Flat(Assumption):
    r"""The share of codes that are curved on the scale on which codes are used.

    .. math:: |K| \, \ell^2 > τ

    K is the sectional curvature of a random plane at each code, ℓ the median geodesic distance of
    two random codes. In a right triangle with both legs ℓ the hypotenuse differs from Pythagoras'
    by K ℓ² / 12 of its length, so that τ = 0.6 is an error of 5 %. ℓ is known from a sample of
    pairs: the interval allows for both that and the sample of codes. Where curvature is the same
    everywhere, the first is all that matters.

    Args:
        threshold: τ, without unit.
        tolerated: share of codes that may be curved by more.
        codes: how many to look at, at most.
    """

    def __init__(
        self, *, threshold: float = 0.6, tolerated: float = 0.10, codes: int = 300
    ) -> None:
        self.threshold, self.codes = threshold, codes
        self.claim = Claim(
            name="flat",
            cost=f"second derivatives at {codes} codes, at most, and the geodesics of all pairs",
            sentence="The geometry that the decoder gives to its codes is flat.",
            kind="geometry",
            effect=f"share of codes where |curvature| times squared distance exceeds {threshold:g}",
            tolerance=Tolerance(
                at_most=tolerated,
                reason="sums of angles and of squares hold where nine codes in ten are flat",
            ),
            remedy="Use means, clusters and densities of geolatent.statistics, or declare another "
            "geometry (latent=hyperbolic, latent=sphere) and see whether it fits better.",
            minimum_sample=50,
            has_null=True,
        )

    @override
    def measure(self, subject: Subject) -> Measurement | NotApplicable:
        if subject.codes.shape[1] == 1:
            return NotApplicable("A space of one dimension has no curvature.")
        smooth = Smooth()
        rough = smooth.measure(subject)
        if smooth.claim.tolerance.judge(rough.interval) == "violated":
            return NotApplicable(
                "The decoder has kinks: its curvature is zero between and infinite on them."
            )
        codes = subject.codes[subject.sample(self.claim.name, self.codes)]
        generator = subject.generator(f"{self.claim.name} planes")
        plane = torch.randn(2, *codes.shape, generator=generator, dtype=torch.float64)
        # Directions are drawn in standard deviations of the codes: units must not matter.
        first, second = plane.to(codes) * subject.unit()
        path = subject.pairs.path
        metric, planned = subject.model.induced_metric(), len(codes)
        curvature = torch.cat(
            [
                sectional(metric, codes[some], first[some], second[some])
                for some in subject.in_time(planned)
            ]
        )
        codes = codes[: len(curvature)]
        length = path.length[path.converged].double().cpu().numpy()
        unit = float(np.median(length)) if len(length) else math.nan
        found = (curvature * unit**2).double().cpu()
        curved, failed = int((found.abs() > self.threshold).sum()), int(found.isnan().sum())
        good = len(codes) - failed
        effect = curved / good if good else math.nan
        nearer, farther = (
            int((curvature.abs() * max(0.0, bound) ** 2 > self.threshold).sum()) / max(good, 1)
            for bound in quantile_interval(length, failed=len(path) - len(length))
        )
        low, high = combined_interval(
            effect, share_interval(curved, good, failed=failed), (nearer, farther)
        )
        return Measurement(
            effect=effect,
            interval=(max(0.0, low), min(1.0, high)),
            sample=good,
            failed=failed,
            items=Items(
                codes.unsqueeze(1).double().cpu().numpy(), found.abs().numpy(), limit=self.threshold
            ),
            details={
                "median of curvature × squared distance": float(found.nanmedian()),
                "median distance": unit,
                "share of negative curvature": int((found < 0).sum()) / max(good, 1),
            },
            planned=planned,
        )
