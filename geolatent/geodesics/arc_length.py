"""Lengths of curves given by points, and of straight lines."""

import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.geodesics.curve_energy import curve_energy
from geolatent.geodesics.measure import straight_points
from geolatent.metrics import Metric

_STRAIGHT_CHORDS = (8, 32, 128)  # each for the lines on which the one before was not enough
_ENOUGH = 1e-2  # of a length between two resolutions: what extrapolation leaves is its square
_LINES_AT_ONCE = 8192


def arc_length(metric: Metric, points: Float[Tensor, "b t d"]) -> Float[Tensor, "b"]:
    r"""Length of the smooth curves through the points, from chords at two resolutions.

    .. math:: L = \tfrac13 (4 L_{2n} - L_n), \qquad L_n = \sum_{i<n} ‖Δ_i‖

    Args:
        metric: what to measure in.
        points: codes at equal times, `(b, t, d)`, `t` odd and at least 3.

    Returns:
        Lengths, `(b,)`, O(t⁻⁴) off. Their gradient at a chord of length zero is zero.
    """
    fine, coarse = curve_energy(metric).chords(points)
    return (4 * _root(fine).sum(1) - _root(coarse).sum(1)) / 3


def straight_length(
    metric: Metric, start: Float[Tensor, "b d"], end: Float[Tensor, "b d"]
) -> Float[Tensor, "b"]:
    """Lengths of the straight lines between codes, about 1e-4 off; without gradients."""
    lengths = [start.new_empty(0)]
    with torch.no_grad():
        for pair in zip(start.split(_LINES_AT_ONCE), end.split(_LINES_AT_ONCE), strict=True):
            lengths.append(_refined(metric, *pair))
    return torch.cat(lengths)


def _refined(metric: Metric, start: Tensor, end: Tensor) -> Tensor:
    energy = curve_energy(metric)
    length = torch.zeros_like(start[:, 0])
    row = torch.arange(len(start), device=start.device)
    for chords in _STRAIGHT_CHORDS:
        squares = energy.chords(straight_points(start[row], end[row], chords))
        fine, coarse = (part.sqrt().sum(1) for part in squares)
        length[row] = (4 * fine - coarse) / 3
        row = row[(fine - coarse).abs() > _ENOUGH * fine]
        if not len(row):
            break
    return length


def _root(squares: Tensor) -> Tensor:
    zero = squares == 0  # where the root has an infinite slope
    return torch.where(zero, torch.zeros_like(squares), torch.where(zero, 1, squares).sqrt())
