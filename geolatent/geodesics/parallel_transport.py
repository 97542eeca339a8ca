"""Parallel transport along curves."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from geolatent.geodesics.gauss_collocation import GaussCollocation, gauss_collocation
from geolatent.geodesics.path import Path
from geolatent.geodesics.path_velocity import path_velocity
from geolatent.geodesics.require_options import require_positive
from geolatent.metrics.connection import connection_along
from geolatent.metrics.metric import Metric
from geolatent.metrics.raised_index import orthonormal_frame
from geolatent.metrics.require_codes import require_codes, require_floating
from geolatent.numerics.held_numbers import HELD_AT_ONCE

_NODES = 3  # for each piece of the curve: order 6
_MOST_PIECES = 16  # for each segment of the path
_COPIES = 4  # of a piece's linear system that are alive together: itself, its parts and factors


@final
@dataclass(frozen=True)
class Transport:
    """Vectors carried along curves without turning.

    Attributes:
        vectors: at the ends of the curves, of the shape they were given in.
        matrix: takes coordinates of any vector at the start to those of its transport at the end,
            `(b, d, d)`.
        change: how much the last halving of the steps changed the matrix, between orthonormal
            frames, `(b,)`; the error that is left is about a 64th of it.
        converged: whether that is below the tolerance, `(b,)`. NaN vectors, and not converged,
            where the metric is singular or not finite on the way.
    """

    vectors: Float[Tensor, "b *k d"]
    matrix: Float[Tensor, "b d d"]
    change: Float[Tensor, "b"]
    converged: Bool[Tensor, "b"]


@torch.no_grad()
def parallel_transport(
    metric: Metric,
    path: Path | Float[Tensor, "b t d"],
    vectors: Float[Tensor, "b *k d"],
    *,
    tolerance: float | None = None,
) -> Transport:
    r"""Vectors at the start of each curve, transported to its end.

    .. math:: \dot w + Γ(γ)[\dot γ, w] = 0

    In an orthonormal frame along the curve this is a rotation, :math:`\dot ω = Ω ω` with Ω
    antisymmetric; Gauss collocation (order 6) on pieces of the spline keeps it one, so that inner
    products are preserved to rounding whatever the step. The steps are halved until the rotation
    settles.

    Args:
        metric: on codes; its immersion or matrix differentiable by autograd, repeatedly.
        path: curves, or their points at equal times, `(b, t, d)`, through which a spline is laid.
        vectors: at the start of each curve, one `(b, d)` or several `(b, k, d)`.
        tolerance: of the rotation; 1e-5 in float32 and 1e-9 in float64 if not given.

    Returns:
        The vectors at the ends, with `converged` for each curve.

    Raises:
        ValueError: shapes, dtypes or devices do not fit together or the metric, or the tolerance
            is not positive.
    """
    points = path.points if isinstance(path, Path) else path
    _validate(points, vectors)
    require_codes(metric, points)
    if tolerance is None:
        tolerance = 1e-5 if torch.finfo(points.dtype).eps > 1e-10 else 1e-9
    require_positive(tolerance=tolerance)
    rotation, frames = _rotation(metric, points, 1)
    change = torch.full_like(rotation[:, 0, 0], torch.inf)
    row = torch.arange(len(points), device=points.device)
    pieces = 1
    while pieces < _MOST_PIECES and len(row):
        pieces *= 2
        finer, _ = _rotation(metric, points[row], pieces)
        change[row] = (finer - rotation[row]).abs().amax((1, 2))
        rotation[row] = finer
        row = row[change[row] > tolerance]  # NaN is not: nothing will mend it
    start, end = frames
    matrix = end @ rotation @ torch.linalg.inv(_safe(start))
    several = vectors.unsqueeze(1) if vectors.ndim == 2 else vectors
    return Transport(
        vectors=(several @ matrix.mT).reshape(vectors.shape),
        matrix=matrix,
        change=change,
        converged=change <= tolerance,
    )


def _rotation(
    metric: Metric, points: Tensor, pieces: int
) -> tuple[Float[Tensor, "b d d"], tuple[Tensor, Tensor]]:
    """Transport between the orthonormal frames of the ends, and these frames.

    Of as many curves at once as their matrices fit into memory.
    """
    systems = pieces * (points.shape[1] - 1) * (_NODES * points.shape[2]) ** 2
    curves = max(1, HELD_AT_ONCE // (_COPIES * systems))
    parts = [_rotation_of_few(metric, part, pieces) for part in points.split(curves)]
    rotation, start, end = (torch.cat(found) for found in zip(*parts, strict=True))
    return rotation, (start, end)


def _rotation_of_few(
    metric: Metric, points: Tensor, pieces: int
) -> tuple[Float[Tensor, "b d d"], Float[Tensor, "b d d"], Float[Tensor, "b d d"]]:
    count = pieces * (points.shape[1] - 1)
    gauss = gauss_collocation(_NODES, points.dtype, points.device)
    first = torch.arange(count, dtype=points.dtype, device=points.device)
    times = ((first.unsqueeze(1) + gauss.times) / count).flatten()
    z, velocity = path_velocity(points, times)
    connection, matrix, change = connection_along(metric, z, velocity)
    frame = orthonormal_frame(matrix)
    # E⁻¹E' is upper triangular with −½EᵀG'E as its symmetric part.
    stretch = frame.mT @ change @ frame
    turn = stretch.triu(1) + torch.diag_embed(stretch.diagonal(dim1=-2, dim2=-1)) / 2
    turn = turn - frame.mT @ matrix @ connection @ frame
    turn = (turn - turn.mT) / 2  # antisymmetric but for rounding
    steps = _steps(gauss, turn.unflatten(1, (count, _NODES)) / count)
    rotation = steps[:, 0]
    for index in range(1, count):
        rotation = steps[:, index] @ rotation
    ends = orthonormal_frame(metric.matrix(points[:, [0, -1]]))
    return rotation, ends[:, 0], ends[:, 1]


def _steps(gauss: GaussCollocation, turn: Float[Tensor, "b s n d d"]) -> Float[Tensor, "b s d d"]:
    """Orthogonal matrices of ω' = Ωω over each piece, from Ω at its nodes times its length."""
    nodes, size = turn.shape[2], turn.shape[-1]
    identity = torch.eye(size, dtype=turn.dtype, device=turn.device)
    system = -torch.einsum("ij,bsjkl->bsikjl", gauss.integral, turn)
    system = system.reshape(*turn.shape[:2], nodes * size, nodes * size)
    system = system + torch.eye(nodes * size, dtype=turn.dtype, device=turn.device)
    usable = system.isfinite().all(-1).all(-1)[..., None, None]
    right = identity.repeat(nodes, 1).expand(*turn.shape[:2], -1, -1)
    stages = torch.linalg.solve(_safe(system), right).unflatten(2, (nodes, size))
    steps = identity + torch.einsum("i,bsikl,bsilm->bskm", gauss.weights, turn, stages)
    return torch.where(usable, steps, torch.nan)


def _safe(matrices: Tensor) -> Tensor:
    """The identity in place of matrices with NaN, which LAPACK would refuse together with all."""
    identity = torch.eye(matrices.shape[-1], dtype=matrices.dtype, device=matrices.device)
    return torch.where(matrices.isfinite().all(-1).all(-1)[..., None, None], matrices, identity)


def _validate(points: Tensor, vectors: Tensor) -> None:
    require_floating("path", points)
    require_floating("vectors", vectors)
    fits = points.ndim == 3 and points.shape[1] >= 2 and vectors.ndim in (2, 3)
    if not fits or (vectors.shape[0], vectors.shape[-1]) != (points.shape[0], points.shape[2]):
        raise ValueError(
            "curves must be (b, t, d) with t at least 2 and vectors (b, d) or (b, k, d), got "
            f"{tuple(points.shape)} and {tuple(vectors.shape)}."
        )
    if points.dtype != vectors.dtype or points.device != vectors.device:
        raise ValueError(
            f"curves are {points.dtype} on {points.device} but vectors {vectors.dtype} on "
            f"{vectors.device}; convert one of them."
        )
