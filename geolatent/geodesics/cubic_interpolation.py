"""Cubic splines through equally spaced nodes, as matrices."""

from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from scipy.interpolate import CubicSpline
from torch import Tensor


@lru_cache(maxsize=64)
def _refinement(segments: int, factor: int) -> np.ndarray:
    matrix = _spline(segments, np.linspace(0, 1, factor * segments + 1))
    matrix[::factor] = np.eye(segments + 1)  # nodes stay exactly where they are
    return matrix


def _spline(segments: int, t: np.ndarray) -> np.ndarray:
    nodes = np.linspace(0, 1, segments + 1)
    identity = np.eye(segments + 1)
    if segments == 1:
        return np.stack([1 - t, t], axis=-1)
    condition = "not-a-knot" if segments >= 3 else "natural"
    return CubicSpline(nodes, identity, bc_type=condition)(t)


def refinement_matrix(
    segments: int, factor: int, *, like: Float[Tensor, "..."]
) -> Float[Tensor, "fine coarse"]:
    """Values at `factor` times as many segments from values at `segments + 1` nodes.

    The spline is twice continuously differentiable (not-a-knot), its error O(h⁴).
    """
    return torch.as_tensor(_refinement(segments, factor)).to(like)


def refine(points: Float[Tensor, "b t d"], factor: int) -> Float[Tensor, "b s d"]:
    """The spline through the points at `factor` times as many segments."""
    if factor == 1:
        return points
    start = points[:, :1]  # offsets from it keep short curves, far from the origin, exact
    fine = start + refinement_matrix(points.shape[1] - 1, factor, like=points) @ (points - start)
    fine[:, ::factor] = points
    return fine


def interpolate(points: Float[Tensor, "b t d"], t: Float[Tensor, "s"]) -> Float[Tensor, "b s d"]:
    """The spline through the points at any times t ∈ [0, 1].

    Raises:
        ValueError: a time lies outside [0, 1].
    """
    times = t.detach().cpu().numpy().astype(float)
    if times.size and not (times.min() >= 0 and times.max() <= 1):
        raise ValueError(f"times must lie in [0, 1], got {times.min():g} to {times.max():g}.")
    return torch.as_tensor(_spline(points.shape[1] - 1, times)).to(points) @ points
