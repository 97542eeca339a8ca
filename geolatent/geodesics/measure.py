"""Measuring given curves in a metric."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from geolatent.geodesics.cubic_interpolation import refine
from geolatent.geodesics.curve_energy import curve_energy
from geolatent.geodesics.natural_units import natural_units
from geolatent.geodesics.path import Path
from geolatent.metrics import ImmersedMetric, Metric
from geolatent.metrics.in_chunks import in_chunks
from geolatent.metrics.require_codes import require_codes

LEAST_CHORDS = 128
"""Chords a curve is measured with, at least, as far as it is longer than values round."""

_ROUNDING = 4  # units in the last place that a sum of some hundred terms may be off
_PER_SEGMENT = 4  # chords, for curves of many segments


def straight_points(
    start: Float[Tensor, "b d"], end: Float[Tensor, "b d"], segments: int
) -> Float[Tensor, "b t d"]:
    """Codes on the straight lines at equal times, `segments + 1` of them."""
    t = torch.linspace(0, 1, segments + 1, dtype=start.dtype, device=start.device)
    return torch.lerp(start.unsqueeze(1), end.unsqueeze(1), t.unsqueeze(1))


@torch.no_grad()
def measure(
    metric: Metric,
    points: Float[Tensor, "b t d"],
    *,
    converged: Bool[Tensor, "b"] | None = None,
    iterations: Int[Tensor, "b"] | None = None,
    refinement_change: Float[Tensor, "b"] | None = None,
) -> Path:
    r"""Length, energy and speed of the splines through the points.

    .. math:: L = R_n + \tfrac{1}{15} (R_n - R_{n/2}), \qquad R_n = \tfrac13 (4 L_n - L_{n/2}),
        \qquad L_n = \sum_{i<n} ‖Δ_i‖

    Chords cut corners by O(n⁻²); combining three resolutions leaves O(n⁻⁶). The last correction is
    reported as the error: of the order before, so a bound with room to spare. Where the rounding of
    a decoder's values would tell, fewer chords are taken: for each curve the number that leaves the
    least error of both kinds.

    Args:
        metric: what to measure in.
        points: codes at equal times, `(b, t, d)`, `t` at least 2.
        converged: passed on to the result; true if not given.
        iterations: passed on; zero if not given.
        refinement_change: passed on; zero if not given.

    Returns:
        The curves with their measures; NaN for curves on which the metric is not finite, which
        then are not `converged`.

    Raises:
        ValueError: the points do not fit the metric, or are not two or more on each curve.
    """
    if points.ndim != 3 or points.shape[1] < 2:
        raise ValueError(
            "points are codes along curves, (curves, at least 2 points, coordinates), got "
            f"{tuple(points.shape)}; one curve is points[None]."
        )
    require_codes(metric, points, name="points")
    units = natural_units(metric, points)
    path = measured(
        units.metric(metric),
        units.of_codes(points),
        converged=converged,
        iterations=iterations,
        refinement_change=refinement_change,
    )
    return units.undone(path)


@torch.no_grad()
def measured(
    metric: Metric,
    points: Float[Tensor, "b t d"],
    *,
    converged: Bool[Tensor, "b"] | None = None,
    iterations: Int[Tensor, "b"] | None = None,
    refinement_change: Float[Tensor, "b"] | None = None,
) -> Path:
    """`measure` of curves that fit the metric and are in natural units."""
    batch, count, _ = points.shape
    segments = count - 1
    factor = max(_PER_SEGMENT, -(-LEAST_CHORDS // segments))
    while factor * segments % 4:  # to halve twice
        factor += 1
    energy = curve_energy(metric)
    steps = [1, 2, 4]
    noise = torch.zeros_like(points[:, 0, 0])
    if isinstance(metric, ImmersedMetric):
        # Values of the decoder round by themselves, however short the chords between them are.
        immersion = metric.immersion
        (size,) = in_chunks(
            metric, lambda z: (torch.linalg.vector_norm(immersion(z), dim=-1),), points[:, 0]
        )
        noise = _ROUNDING * torch.finfo(points.dtype).eps * size.nan_to_num(nan=0.0)
        while factor * segments % (2 * steps[-1]) == 0:
            steps.append(2 * steps[-1])
    chords = energy.chords(refine(points, factor), steps=steps)
    # So do the codes themselves, by what is far for the decoder where they are far from zero.
    travelled = torch.linalg.vector_norm(points.diff(dim=1), dim=-1).sum(1)
    tiny = torch.finfo(points.dtype).tiny
    stretch = chords[0].sqrt().sum(1) / travelled.clamp_min(tiny)
    far = torch.linalg.vector_norm(points[:, 0], dim=-1)
    noise = noise + (torch.finfo(points.dtype).eps * far * stretch).nan_to_num(nan=0.0)
    length, error, total, variation = _measures(chords, noise)
    straight = straight_points(points[:, 0], points[:, -1], factor * segments)
    straight_length, *_ = _measures(energy.chords(straight, steps=steps), noise)
    if converged is None:
        converged = torch.ones(batch, dtype=torch.bool, device=points.device)
    if iterations is None:
        iterations = torch.zeros(batch, dtype=torch.long, device=points.device)
    if refinement_change is None:
        refinement_change = torch.zeros_like(length)
    return Path(
        points=points,
        length=length,
        length_error=error,
        energy=total,
        speed_variation=variation,
        straight_length=straight_length,
        converged=converged & length.isfinite(),
        iterations=iterations,
        refinement_change=refinement_change,
    )


class _Measures(NamedTuple):
    """Length, its error, energy and speed variation, each `(b,)`."""

    length: Tensor
    error: Tensor
    energy: Tensor
    variation: Tensor


def _measures(chords: Sequence[Float[Tensor, "b _"]], noise: Float[Tensor, "b"]) -> _Measures:
    """From squared chords, each sequence half as many as before, and the noise of decoded values.

    A value that is δ off makes a chord of length c the root of c² + δ², so that many chords of a
    short curve add up to too much. Each curve is measured with the number of them that leaves the
    least error; a resolution that contradicts a finer one, beyond the noise of that, is charged
    with the difference.
    """
    tiny = torch.finfo(noise.dtype).tiny
    finest: _Measures | None = None
    found: list[_Measures] = []
    blurs: list[Tensor] = []
    for triple in zip(chords, chords[1:], chords[2:], strict=False):
        count = triple[0].shape[1]
        value = _at(*triple)
        chord = (value.length / count).clamp_min(tiny)
        blur = noise + count * torch.minimum(noise, noise.square() / chord)
        error = value.error
        for finer, its_blur in zip(found, blurs, strict=True):
            error = torch.maximum(error, (value.length - finer.length).abs() - its_blur)
        found.append(value._replace(error=error + blur))
        blurs.append(blur)
        if finest is None:
            best = finest = found[0]
            continue
        # Not for a gain that is itself rounding: resolutions of a straight line agree.
        better = found[-1].error < torch.minimum(best.error, finest.error / 2)
        pairs = zip(best, found[-1], strict=True)
        best = _Measures(*(torch.where(better, new, old) for old, new in pairs))
    return best


def _at(
    fine: Float[Tensor, "b f"], half: Float[Tensor, "b h"], quarter: Float[Tensor, "b q"]
) -> _Measures:
    """Measures from squared chords at three resolutions, of decoded values without noise."""
    squares = (fine, half, quarter)
    length, error = _extrapolated(*(chords.sqrt().sum(1) for chords in squares))
    energy, _ = _extrapolated(*(chords.sum(1) * chords.shape[1] for chords in squares))
    # Rounding and extrapolation must not take the energy below what its length allows.
    energy = torch.maximum(energy, length.square())
    speed = fine.sqrt()
    mean = speed.mean(1)
    # A curve that stays where it is has no speed to vary.
    deviation = (speed - mean.unsqueeze(1)).square().mean(1).sqrt()
    return _Measures(length, error, energy, deviation / torch.where(mean != 0, mean, 1))


def _extrapolated(fine: Tensor, half: Tensor, quarter: Tensor) -> tuple[Tensor, Tensor]:
    """Romberg's limit of a sum at three resolutions, and a bound of its error."""
    better, good = (4 * fine - half) / 3, (4 * half - quarter) / 3
    change = (better - good) / 15
    return better + change, change.abs() + _ROUNDING * torch.finfo(fine.dtype).eps * fine
