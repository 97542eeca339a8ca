"""Closed outlines in the plane: what is left of them without place, turn and size."""

import numpy as np
from jaxtyping import Float

_LINES = 8  # along which the inside of a row of pixels is measured


def aligned(outline: Float[np.ndarray, "k 2"]) -> Float[np.ndarray, "k 2"]:
    r"""Centre, turn, mirror and scale an outline by the moments of the area inside.

    With the density of the area as ρ, the result has :math:`\int ρ = 1`, :math:`\int xρ = \int yρ =
    \int xyρ = 0`, :math:`\int x^2 ρ \ge \int y^2 ρ`, and :math:`\int x^3 ρ, \int y^3 ρ \ge 0`.

    Args:
        outline: corners in order, the first not repeated, (k, 2).

    Returns:
        Its corners in the new coordinates, counter-clockwise.

    Raises:
        ValueError: it encloses no area.
    """
    area = _moment(outline, 0, 0)
    if not abs(area) > 0:
        raise ValueError(f"an outline of {len(outline)} points encloses no area.")
    centroid = np.array([_moment(outline, *powers) for powers in ((1, 0), (0, 1))]) / area
    points = (outline - centroid) / np.sqrt(abs(area))
    xx, xy, yy = (np.sign(area) * _moment(points, *powers) for powers in ((2, 0), (1, 1), (0, 2)))
    _, axes = np.linalg.eigh(np.array([[xx, xy], [xy, yy]]))
    points = points @ axes[:, ::-1]
    for axis, powers in enumerate(((3, 0), (0, 3))):
        # A mirrored outline runs the other way around and has the opposite sign of area.
        if _moment(points, *powers) * _moment(points, 0, 0) < 0:
            points[:, axis] *= -1
    return points if _moment(points, 0, 0) > 0 else points[::-1]


def _moment(points: Float[np.ndarray, "k 2"], p: int, q: int) -> float:
    """∫ xᵖ yᵠ over the area inside, positive counter-clockwise; p + q up to 3."""
    start, end = points, np.roll(points, -1, axis=0)
    twice_areas = start[:, 0] * end[:, 1] - start[:, 1] * end[:, 0]
    # The triangles between the origin and the edges: radially in closed form, along an edge by
    # Gauss's two points, which are exact up to degree three.
    means = np.zeros(len(points))
    for time in (0.5 - 0.5 / np.sqrt(3), 0.5 + 0.5 / np.sqrt(3)):
        x, y = (start + time * (end - start)).T
        means += x**p * y**q / 2
    return float((twice_areas * means).sum() / (p + q + 2))


def resampled(outline: Float[np.ndarray, "k 2"], count: int) -> Float[np.ndarray, "c 2"]:
    """Points at equal distances along an outline, from its right-most corner on.

    Args:
        outline: corners in order, the first not repeated, (k, 2).
        count: how many points.

    Returns:
        The points, (count, 2).
    """
    points = np.roll(outline, -int(np.argmax(outline[:, 0])), axis=0)
    closed = np.vstack([points, points[:1]])
    along = np.concatenate([[0], np.linalg.norm(np.diff(closed, axis=0), axis=1).cumsum()])
    wanted = np.arange(count) * (along[-1] / count)
    return np.stack([np.interp(wanted, along, closed[:, axis]) for axis in (0, 1)], axis=1)


def rasterised(
    outline: Float[np.ndarray, "k 2"], resolution: int, *, half_width: float
) -> Float[np.ndarray, "r r"]:
    """An image of the area inside, y upwards.

    Args:
        outline: corners in order, counter-clockwise, (k, 2).
        resolution: pixels on each side.
        half_width: of the image, whose centre is the origin; what lies outside is cut.

    Returns:
        The share of every pixel that is inside: exact along x, by eight lines along y.
    """
    start = (outline / half_width + 1) * (resolution / 2)
    end = np.roll(start, -1, axis=0)
    lines = (np.arange(_LINES * resolution) + 0.5) / _LINES
    edge, line = np.nonzero((start[:, 1, None] <= lines) != (end[:, 1, None] <= lines))
    step = end[edge] - start[edge]
    crossing = start[edge, 0] + (lines[line] - start[edge, 1]) * step[:, 0] / step[:, 1]
    # Along a line from the left an edge downwards leads inside, one upwards outside.
    right_of = np.clip(np.arange(1, resolution + 1) - crossing[:, None], 0, 1)
    covered = np.zeros((len(lines), resolution))
    np.add.at(covered, line, -np.sign(step[:, 1, None]) * right_of)
    # Where an outline crosses itself, inside is counted twice or taken off.
    rows = covered.clip(0, 1).reshape(resolution, _LINES, resolution).mean(1)
    return rows[::-1]
