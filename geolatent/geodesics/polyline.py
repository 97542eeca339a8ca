"""Polygonal curves with any number of corners, resampled to constant speed."""

import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.geodesics.curve_energy import curve_energy
from geolatent.metrics import Metric

_PASSES = (1, 2, 4, 8, 16)  # of smoothing, one set after the other; all spread a corner by 8 points


def resample(
    corners: Float[Tensor, "b c d"], arrival: Float[Tensor, "b c"], segments: int
) -> Float[Tensor, "b t d"]:
    """Points at equal times on polygons whose corners are passed at the times given.

    Args:
        corners: `(b, c, d)`, `c` at least 2; shorter ones repeat a corner.
        arrival: times of the corners, `(b, c)`, never falling along a polygon.
        segments: number of pieces of the result.

    Returns:
        `segments + 1` points each, the first and last corner among them.
    """
    first, last = arrival[:, :1], arrival[:, -1:]
    t = torch.linspace(0, 1, segments + 1, dtype=arrival.dtype, device=arrival.device)
    time = torch.lerp(first, last, t)
    right = torch.searchsorted(arrival.contiguous(), time).clamp(1, arrival.shape[1] - 1)
    before, after = arrival.gather(1, right - 1), arrival.gather(1, right)
    duration = after - before
    weight = (time - before) / torch.where(duration > 0, duration, 1)
    index = right.unsqueeze(2).expand(-1, -1, corners.shape[2])
    left_corner, right_corner = corners.gather(1, index - 1), corners.gather(1, index)
    points = torch.lerp(left_corner, right_corner, weight.unsqueeze(2).to(corners))
    return torch.cat([corners[:, :1], points[:, 1:-1], corners[:, -1:]], dim=1)


def equalise(metric: Metric, points: Float[Tensor, "b t d"]) -> Float[Tensor, "b t d"]:
    """The same polygons at constant speed in the metric."""
    speed = curve_energy(metric).chords(points)[0].sqrt()
    arrival = torch.cat([torch.zeros_like(speed[:, :1]), speed.cumsum(1)], dim=1)
    usable = arrival[:, -1].isfinite() & (arrival[:, -1] > 0)
    arrival = torch.where(usable[:, None], arrival, 0)
    moved = resample(points, arrival, points.shape[1] - 1)
    return torch.where(usable[:, None, None], moved, points)


def smooth(metric: Metric, points: Float[Tensor, "b t d"]) -> Float[Tensor, "b t d"]:
    r"""Round the corners off as long as that lowers a curve's energy.

    .. math:: z_i \leftarrow \tfrac14 (z_{i-1} + 2 z_i + z_{i+1})
    """
    energy = curve_energy(metric)
    best, lowest = points, energy.chords(points)[0].sum(1)
    rounded = points
    for passes in _PASSES:
        for _ in range(passes):
            middle = (rounded[:, :-2] + 2 * rounded[:, 1:-1] + rounded[:, 2:]) / 4
            rounded = torch.cat([points[:, :1], middle, points[:, -1:]], dim=1)
        value = energy.chords(rounded)[0].sum(1)
        lower = value < lowest
        best = torch.where(lower[:, None, None], rounded, best)
        lowest = torch.where(lower, value, lowest)
    return best
