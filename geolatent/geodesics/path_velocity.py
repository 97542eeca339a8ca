"""Codes and velocities along the spline of a path."""

from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.geodesics.cubic_interpolation import refinement_matrix

_THIRDS = np.arange(4) / 3  # four values of a cubic are all there is to know of it


def path_velocity(
    points: Float[Tensor, "b t d"], times: Float[Tensor, "s"]
) -> tuple[Float[Tensor, "b s d"], Float[Tensor, "b s d"]]:
    """Codes and velocities of the spline through the points, at times in [0, 1].

    Args:
        points: codes at equal times, `(b, t, d)`, `t` at least 2.
        times: `(s,)`.

    Returns:
        Codes and their exact derivatives with respect to time, `(b, s, d)` each.
    """
    segments = points.shape[1] - 1
    value, slope = _matrices(segments, tuple(times.double().tolist()))
    start = points[:, :1]
    offsets = points - start  # keep short curves, far from the origin, exact
    return (
        start + torch.as_tensor(value).to(points) @ offsets,
        torch.as_tensor(slope).to(points) @ offsets,
    )


@lru_cache(maxsize=64)
def _matrices(segments: int, times: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    like = torch.empty(0, dtype=torch.float64)
    thirds = refinement_matrix(segments, 3, like=like).numpy()
    t = np.asarray(times, dtype=float)
    piece = np.clip(np.floor(t * segments).astype(int), 0, segments - 1)
    # Monomial coefficients of the four Lagrange polynomials, one a column.
    lagrange = np.linalg.inv(np.vander(_THIRDS, increasing=True))
    power = np.arange(4)
    inside = (t * segments - piece)[:, None]
    values = inside**power @ lagrange
    slopes = segments * (power * inside ** np.maximum(power - 1, 0)) @ lagrange
    parts = thirds[3 * piece[:, None] + np.arange(4)]
    return np.einsum("sk,skn->sn", values, parts), np.einsum("sk,skn->sn", slopes, parts)
