"""The induced curvature is zero."""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from typing_extensions import override

from geolatent.assumptions.assumption import Assumption
from geolatent.assumptions.claim import Claim
from geolatent.assumptions.combined_interval import combined_interval
from geolatent.assumptions.measurement import Items, Measurement, NotApplicable
from geolatent.assumptions.no_curvature import no_curvature
from geolatent.assumptions.quantile_interval import quantile_interval
from geolatent.assumptions.smooth import Smooth
from geolatent.assumptions.subject import Subject
from geolatent.assumptions.tolerance import Tolerance
from geolatent.assumptions.triangles import Triangles
from geolatent.curvature import sectional
from geolatent.interpolation import share_interval

_SEVERITY = {"holds": 0, "inconclusive": 1, "violated": 2}
_SLACK = 1e-3  # relative, of a length: what solver and float32 leave open


@final
class Flat(Assumption):
    r"""The share of codes, or of triangles of them, that are curved on the scale of the codes.

    .. math:: |K| \, \ell^2 > τ

    At codes K is the sectional curvature of a random plane. Of geodesic triangles of random codes
    the median is looked at (`Triangles`): the triangle is curved if no space of constant curvature
    up to τ / ℓ² holds both, to 0.1 %. ℓ is the median geodesic distance of two random codes. In a
    right triangle with both legs ℓ the hypotenuse differs from Pythagoras' by K ℓ² / 12 of its
    length, so that τ = 0.6 is an error of 5 %.

    The greater of the two shares counts. Curvature need not be where codes are: a decoder of
    rectified units is flat between its kinks and has all curvature at the corners where they meet,
    which triangles around them see and no code does. Where the decoder is not known to be smooth
    (by the default of `smooth`) its derivatives mean nothing, and triangles decide alone. A sheet
    that is folded along lines is flat. Either share may call the claim violated: where both are
    exactly at the edge, that happens in at most 5 % of audits and not in 2.5 %.

    ℓ is known from a sample of pairs: the interval allows for both that and the sample of codes.
    Where curvature is the same everywhere, the first is all that matters.

    Args:
        threshold: τ, without unit.
        tolerated: share that may be curved by more.
        codes: how many to look at, at most.
        triangles: how many to look at, at most, with disjoint corners.
    """

    def __init__(
        self,
        *,
        threshold: float = 0.6,
        tolerated: float = 0.10,
        codes: int = 300,
        triangles: int = 100,
    ) -> None:
        self.threshold, self.codes, self.triangles = threshold, codes, triangles
        self.claim = Claim(
            name="flat",
            cost=f"second derivatives at {codes} codes and four geodesics for each of {triangles} "
            "triangles, at most, and the geodesics of all pairs",
            sentence="The geometry that the decoder gives to its codes is flat.",
            kind="geometry",
            effect="share of codes where |curvature| times squared distance exceeds "
            f"{threshold:g}, or of triangles that no such curvature allows, whichever is greater",
            tolerance=Tolerance(
                at_most=tolerated,
                reason="sums of angles and of squares hold where nine codes in ten are flat",
            ),
            remedy="Use means, clusters and densities of geolatent.statistics, or declare another "
            "geometry (latent=hyperbolic, latent=sphere) and see whether it fits better.",
            minimum_sample=30,
            has_null=True,
        )

    @override
    def measure(self, subject: Subject) -> Measurement | NotApplicable:
        lacking = no_curvature(subject)
        if lacking is not None:
            return lacking
        pairs = subject.pairs
        length = pairs.path.length[pairs.found].double().cpu().numpy()
        unit = float(np.median(length)) if len(length) else math.nan
        bounds = quantile_interval(length, failed=len(pairs.path) - len(length))
        units = [unit, *(max(0.0, bound) for bound in bounds)]
        parts = [self._of_triangles(subject, units)]
        smooth = Smooth()
        if smooth.claim.tolerance.judge(smooth.measure(subject).interval) == "holds":
            parts.insert(0, self._of_codes(subject, units))
        # The worse of the two; the first where they are alike.
        shown = max(parts, key=lambda part: _SEVERITY[self.claim.tolerance.judge(part.interval)])
        lows, highs = zip(*(part.interval for part in parts), strict=True)
        effects = [part.effect for part in parts if not math.isnan(part.effect)]
        return Measurement(
            effect=max(effects, default=math.nan),
            interval=(max(lows), max(highs)),
            sample=shown.sample,
            failed=shown.failed,
            items=shown.items,
            details={"median distance": unit}
            | {name: value for part in parts for name, value in part.details.items()},
            planned=sum(part.planned or 0 for part in parts),
            done=sum(part.looked for part in parts),
            counted="codes and triangles",
            said=pairs.said,
        )

    def _of_codes(self, subject: Subject, units: list[float]) -> Measurement:
        codes = subject.codes[subject.sample(self.claim.name, self.codes)]
        generator = subject.generator(f"{self.claim.name} planes")
        plane = torch.randn(2, *codes.shape, generator=generator, dtype=torch.float64)
        # Directions are drawn in standard deviations of the codes: units must not matter.
        first, second = plane.to(codes) * subject.unit()
        metric, planned = subject.model.induced_metric(), len(codes)
        curvature = torch.cat(
            [
                sectional(metric, codes[some], first[some], second[some])
                for some in subject.in_time(planned)
            ]
        )
        looked = codes[: len(curvature)].unsqueeze(1).double().cpu().numpy()
        known = curvature.double().cpu().numpy()
        signed = known * units[0] ** 2
        return _share(
            lambda unit: np.abs(known) * unit**2,
            units,
            looked,
            limit=self.threshold,
            planned=planned,
            details={
                "median of curvature × squared distance": float(np.nanmedian(signed))
                if np.isfinite(signed).any()
                else math.nan,
                "share of negative curvature": int((signed < 0).sum())
                / max(int(np.isfinite(signed).sum()), 1),
            },
        )

    def _of_triangles(self, subject: Subject, units: list[float]) -> Measurement:
        found = subject.triangles(self.triangles)
        part = _share(
            partial(_excess, found.triangles, self.threshold),
            units,
            found.corners.movedim(0, 1).double().cpu().numpy(),
            limit=_SLACK,
            failed=found.failed,
            planned=min(self.triangles, len(subject.codes) // 3),
            details={},
        )
        return replace(part, details={"share of curved triangles": part.effect})


def _share(
    values: Callable[[float], Float[np.ndarray, "n"]],
    units: list[float],
    codes: Float[np.ndarray, "n k d"],
    *,
    limit: float,
    failed: int = 0,
    planned: int,
    details: dict[str, float],
) -> Measurement:
    """The share of items above the limit; values depend on ℓ, given with its interval."""
    found = values(units[0])
    good = int((~np.isnan(found)).sum())
    failed += len(found) - good
    count, nearer, farther = (int((values(unit) > limit).sum()) for unit in units)
    effect = count / good if good else math.nan
    low, high = (0.0, 1.0)
    if good:
        low, high = combined_interval(
            effect,
            share_interval(count, good, failed=failed),
            (nearer / good, farther / good),
        )
    return Measurement(
        effect=effect,
        interval=(max(0.0, low), min(1.0, high)),
        sample=good,
        failed=failed,
        items=Items(codes, found, limit=limit),
        details=details,
        planned=planned,
    )


def _excess(triangles: Triangles, threshold: float, unit: float) -> Float[np.ndarray, "b"]:
    """By how much medians are outside of what |K| up to τ / ℓ² allows, relative; else negative."""
    if not unit > 0:
        return np.full(len(triangles.am), math.nan if math.isnan(unit) else -math.inf)
    allowed = threshold / unit**2
    with np.errstate(over="ignore", invalid="ignore"):
        low, high = triangles.median(-allowed), triangles.median(allowed)
    # A triangle that the greatest curvature does not hold is held by a lesser one.
    high = np.where(np.isnan(high), np.inf, high)
    return np.maximum(low - triangles.am, triangles.am - high) / triangles.am
