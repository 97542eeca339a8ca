"""Geodesics between codes."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.geodesics.energy_minimum import (
    energy_minimum,
    result_segments,
)
from geolatent.geodesics.exponential import exponential
from geolatent.geodesics.initialisation import Initialisation, StraightLine
from geolatent.geodesics.logarithm import logarithm
from geolatent.geodesics.measure import measure, straight_points
from geolatent.geodesics.pairs import require_pairs
from geolatent.geodesics.path import Path
from geolatent.geodesics.require_options import (
    require_count,
    require_initialisations,
    require_positive,
)
from geolatent.metrics import ClosedFormGeodesics, Metric
from geolatent.metrics.require_codes import require_codes

Method = Literal["auto", "closed form", "energy", "geodesic equation"]


@torch.no_grad()
def connect(
    metric: Metric,
    start: Float[Tensor, "b d"],
    end: Float[Tensor, "b d"],
    *,
    method: Method = "auto",
    initialisations: Sequence[Initialisation] = (StraightLine(),),
    segments: int | None = None,
    tolerance: float | None = None,
    max_iterations: int = 100,
) -> Path:
    r"""Geodesics from start to end: curves of locally minimal energy.

    .. math:: E(γ) = \int_0^1 \dot γ^\top G(γ) \dot γ \, dt

    Where the metric knows its geodesics they are used. Otherwise an initial curve is bent until
    its energy is minimal: cubic splines of 4, 8, 32, … `segments` segments, by L-BFGS
    preconditioned with the Gauss-Newton matrix of the energy. A minimum is local: where several
    geodesics join two codes, this is the one that the initial curve leads to. Several initial
    curves are followed to a coarse level, where the one of least energy is kept for each pair. The
    result is never longer than the straight line.

    Args:
        metric: on codes; one of `geolatent.metrics` or your own.
        start: codes, `(b, d)`, floating point.
        end: codes, `(b, d)`, of the same dtype and device.
        method: 'closed form', which not every metric has; 'energy' minimises it, also where there
            is a closed form; 'geodesic equation' solves that as well, next to the curve of
            minimal energy, for points to nine digits in float64 at some hundred times the cost;
            'auto' takes the first of closed form and energy.
        initialisations: where to start from: the straight line, an `Arc`, a `CodeGraph` of data,
            several of them.
        segments: of the finest splines, 4 times a power of two; 32 in float32 and 64 in float64 if
            not given.
        tolerance: relative decrease of the energy at which a curve has converged; 1e-5 in
            float32 and 1e-10 in float64 if not given.
        max_iterations: evaluations of the energy at the finest level.

    Returns:
        The curves, `segments + 1` points each, with `converged` for each of them. On a space that
        closes up, such as a torus, a closed form may end in another code of the end's point.

    Raises:
        ValueError: shapes, dtypes or devices do not fit together or the metric, a code is not
            finite, or an option is out of its range.
        TypeError: the metric is none, or the codes are no tensors.

    Warns:
        UserWarning: the metric is rank-deficient in the middle of a curve, or its decoder cannot be
            differentiated in forward mode and takes longer.

    References:
        Arvanitidis, G., Hansen, L. K., Hauberg, S. (2018). Latent space oddity: on the curvature
        of deep generative models. arXiv 1710.11379.
    """
    require_pairs(start, end)
    require_codes(metric, start)
    require_initialisations(initialisations)
    require_count(max_iterations=max_iterations)
    if tolerance is not None:
        require_positive(tolerance=tolerance)
    if method not in get_args(Method):
        raise ValueError(f"method must be one of {get_args(Method)}, got {method!r}.")
    known = isinstance(metric, ClosedFormGeodesics)
    if method == "closed form" and not known:
        raise ValueError(
            f"the geodesics of {type(metric).__name__} have no closed form; take method='energy'."
        )
    if isinstance(metric, ClosedFormGeodesics) and method in ("auto", "closed form"):
        return _known(metric, start, end, result_segments(start.dtype, segments))
    path = energy_minimum(
        metric,
        start,
        end,
        initialisations=initialisations,
        segments=segments,
        tolerance=tolerance,
        max_iterations=max_iterations,
    )
    return _polished(metric, path) if method == "geodesic equation" else path


def _known(metric: ClosedFormGeodesics, start: Tensor, end: Tensor, segments: int) -> Path:
    """The metric's own geodesics, with its own distances rather than measured lengths."""
    t = torch.linspace(0, 1, segments + 1, dtype=start.dtype, device=start.device)
    path = measure(metric, metric.geodesic(start, end, t))
    length = metric.distance(start, end)
    straight = path.straight_length
    if not torch.equal(path.points[:, -1], end):
        # On a space that closes up the geodesic may end in another code of the same point.
        straight = measure(metric, straight_points(start, end, segments)).length
    return replace(
        path,
        length=length,
        length_error=torch.finfo(length.dtype).eps * length,
        energy=length.square(),
        speed_variation=0 * length,
        straight_length=torch.maximum(straight, length),
        converged=length.isfinite(),
    )


def _polished(metric: Metric, path: Path) -> Path:
    """The solutions of the geodesic equation next to the curves; the curves where there is none."""
    start, end, count = path.points[:, 0], path.points[:, -1], path.points.shape[1]
    usable = path.points.isfinite().all(2).all(1)
    velocity = torch.zeros_like(start)
    solved = torch.zeros_like(usable)
    if usable.any():
        found = logarithm(metric, start[usable], end[usable], path=path[usable])
        solved[usable] = found.converged
        velocity[usable] = torch.where(found.converged[:, None], found.velocity, 0)
    t = torch.linspace(0, 1, count, dtype=start.dtype, device=start.device)
    points = exponential(metric, start, velocity, t=t).points
    assert points is not None
    # On a space that closes up it may have come to another code of the end's point.
    gap, last = (points[:, -1] - end).norm(dim=1), (points[:, -1] - points[:, -2]).norm(dim=1)
    solved &= gap <= last
    points[:, -1] = end
    return measure(
        metric,
        torch.where(solved[:, None, None], points, path.points),
        converged=path.converged & solved,
        iterations=path.iterations,
        refinement_change=path.refinement_change,
    )
