"""How geodesics answer to a change of where and how they start."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.geodesics import exponential
from geolatent.metrics import Metric
from geolatent.metrics.connection import connection_along
from geolatent.metrics.raised_index import orthonormal_frame


class ExponentialDerivatives(NamedTuple):
    r"""Derivatives of :math:`\exp_z(v)`, NaN where a geodesic cannot be followed.

    Attributes:
        distortion: θ, volume of the manifold per volume of the tangent space, `(b,)`.
        of_log: H, `(b, d, d)`, in the orthonormal frame at z: minus the covariant derivative of
            :math:`\log_z x` in z, at x = exp_z(v). None if it was not asked for.
    """

    distortion: Float[Tensor, "b"]
    of_log: Float[Tensor, "b d d"] | None


@torch.no_grad()
def exponential_derivatives(
    metric: Metric,
    base: Float[Tensor, "b d"],
    vectors: Float[Tensor, "b d"],
    *,
    of_log: bool = False,
) -> ExponentialDerivatives:
    r"""Volume distortion and, on request, the derivative of the log map in its base point.

    .. math:: θ_z(v) = |\det D_v \exp_z| \sqrt{\det G(\exp_z v) / \det G(z)}, \qquad
        H = -∇_z \log_z x = (D_v \exp_z)^{-1}\, D_z \exp_z

    where D_z moves the base point and carries the vector along in parallel: both move the end, and
    the log map is what keeps it in place. All derivatives are central differences of geodesics, a
    fixed share of their own length apart.

    Args:
        metric: on codes.
        base: codes z, `(b, d)`.
        vectors: in coordinates, `(b, d)`.
        of_log: whether H is wanted too, at twice the geodesics.

    Returns:
        θ is 1 and H the identity where space is flat. On the unit sphere θ = sin r / r, and H is 1
        along v and r cot r across.
    """
    count, dim = base.shape
    start = metric.matrix(base)
    frame = orthonormal_frame(start)
    size = torch.einsum("bi,bij,bj->b", vectors, start, vectors).clamp_min(0).sqrt()
    # Beside the rounding of the integrator's tolerance, 1e-5 and 1e-10 of a length.
    relative = 3e-2 if torch.finfo(base.dtype).eps > 1e-10 else 1e-3
    step = relative * torch.where(size > 0, size, 1)
    offsets = step[:, None, None] * frame.mT  # rows: the frame's vectors
    velocity = [vectors[:, None], vectors[:, None] + offsets, vectors[:, None] - offsets]
    begin = [base[:, None].expand(-1, 2 * dim + 1, -1)]
    if of_log:
        along, _, _ = connection_along(metric, base, vectors)
        turn = offsets @ along.mT  # Γ(offset, v): what is added to keep v parallel, negated
        velocity += [vectors[:, None] - turn, vectors[:, None] + turn]
        begin += [base[:, None] + offsets, base[:, None] - offsets]
    starts, velocities = torch.cat(begin, 1), torch.cat(velocity, 1)
    usable = (starts.isfinite() & velocities.isfinite()).all(2).all(1)
    ends = exponential(
        metric,
        starts[usable].flatten(0, 1).contiguous(),
        velocities[usable].flatten(0, 1).contiguous(),
    ).end.unflatten(0, (-1, starts.shape[1]))
    finite = ends.isfinite().all(2).all(1)
    scale = (2 * step[usable])[:, None, None]
    by_vector = (ends[:, 1 : dim + 1] - ends[:, dim + 1 : 2 * dim + 1]) / scale
    safe = torch.where(finite[:, None, None], by_vector, 0)
    metric_end = metric.matrix(torch.where(finite[:, None], ends[:, 0], base[usable]))
    # By logarithms: determinants themselves leave the range of floating point in few dimensions.
    log_stretch = torch.linalg.slogdet(safe).logabsdet
    stretch = (log_stretch + torch.linalg.slogdet(metric_end).logabsdet / 2).exp()
    distortion = base.new_full((count,), torch.nan)
    distortion[usable] = torch.where(finite, stretch, torch.nan)
    if not of_log:
        return ExponentialDerivatives(distortion, None)
    by_base = (ends[:, 2 * dim + 1 : 3 * dim + 1] - ends[:, 3 * dim + 1 :]) / scale
    # Rows are derivatives, hence transposed; singular at a conjugate point.
    solved, info = torch.linalg.solve_ex(safe.mT, by_base.mT)
    known = finite & (info == 0)
    result = base.new_full((count, dim, dim), torch.nan)
    result[usable] = torch.where(known[:, None, None], solved, torch.nan)
    return ExponentialDerivatives(distortion, result)
