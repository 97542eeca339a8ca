"""Measuring given curves in a metric."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from geolatent.geodesics.cubic_interpolation import refine
from geolatent.geodesics.curve_energy import curve_energy
from geolatent.geodesics.path import Path
from geolatent.metrics import ImmersedMetric, Metric
from geolatent.metrics.require_codes import require_codes

LEAST_CHORDS = 128
"""Chords a curve is measured with, at least; half and a quarter of them serve to extrapolate."""

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
    reported as the error: of the order before, so a bound with room to spare.

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
        ValueError: the points do not fit the metric.
    """
    require_codes(metric, points, name="points")
    batch, count, _ = points.shape
    segments = count - 1
    factor = max(_PER_SEGMENT, -(-LEAST_CHORDS // segments))
    while factor * segments % 4:  # to halve twice
        factor += 1
    energy = curve_energy(metric)
    length, error, total, variation = _measures(
        *energy.chords(refine(points, factor), steps=(1, 2, 4))
    )
    if isinstance(metric, ImmersedMetric):
        # Values of the decoder round by themselves, however short the chords between them are:
        # by δ at the ends, and a chord of length c becomes the root of c² + δ².
        size = torch.linalg.vector_norm(metric.immersion(points[:, 0]), dim=-1).nan_to_num(nan=0.0)
        noise = _ROUNDING * torch.finfo(error.dtype).eps * size
        chord = (length / (factor * segments)).clamp_min(torch.finfo(length.dtype).tiny)
        error = error + noise + factor * segments * torch.minimum(noise, noise.square() / chord)
    straight = straight_points(points[:, 0], points[:, -1], factor * segments)
    straight_length, *_ = _measures(*energy.chords(straight, steps=(1, 2, 4)))
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


def _measures(
    fine: Float[Tensor, "b f"], half: Float[Tensor, "b h"], quarter: Float[Tensor, "b q"]
) -> tuple[Float[Tensor, "b"], Float[Tensor, "b"], Float[Tensor, "b"], Float[Tensor, "b"]]:
    """Length, its error, energy and speed variation from squared chords at three resolutions."""
    squares = (fine, half, quarter)
    length, error = _extrapolated(*(chords.sqrt().sum(1) for chords in squares))
    energy, _ = _extrapolated(*(chords.sum(1) * chords.shape[1] for chords in squares))
    # Rounding and extrapolation must not take the energy below what its length allows.
    energy = torch.maximum(energy, length.square())
    speed = fine.sqrt()
    mean = speed.mean(1)
    # A curve that stays where it is has no speed to vary.
    deviation = (speed - mean.unsqueeze(1)).square().mean(1).sqrt()
    variation = deviation / torch.where(mean != 0, mean, 1)
    return length, error, energy, variation


def _extrapolated(fine: Tensor, half: Tensor, quarter: Tensor) -> tuple[Tensor, Tensor]:
    """Romberg's limit of a sum at three resolutions, and a bound of its error."""
    better, good = (4 * fine - half) / 3, (4 * half - quarter) / 3
    change = (better - good) / 15
    return better + change, change.abs() + _ROUNDING * torch.finfo(fine.dtype).eps * fine
