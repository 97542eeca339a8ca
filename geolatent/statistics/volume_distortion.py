"""How much the exponential map stretches volume."""

import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.geodesics import exponential
from geolatent.metrics import Metric
from geolatent.metrics.raised_index import orthonormal_frame


@torch.no_grad()
def volume_distortion(
    metric: Metric, base: Float[Tensor, "b d"], vectors: Float[Tensor, "b d"]
) -> Float[Tensor, "b"]:
    r"""Volume of the manifold per volume of the tangent space, at tangent vectors.

    .. math:: θ_z(v) = |\det D_v \exp_z| \sqrt{\det G(\exp_z v) / \det G(z)}

    An integral over the manifold is one over tangent vectors with θ: that is what normalises
    densities of geodesic distance. The derivative is a central difference of geodesics.

    Args:
        metric: on codes.
        base: codes z, `(b, d)`.
        vectors: in coordinates, `(b, d)`.

    Returns:
        θ, `(b,)`: 1 where space is flat, sin r / r and sinh r / r on the unit sphere and the
        hyperbolic plane; NaN where the geodesic cannot be followed.
    """
    count, dim = base.shape
    start, velocity = metric.matrix(base), vectors
    frame = orthonormal_frame(start)
    size = torch.einsum("bi,bij,bj->b", velocity, start, velocity).clamp_min(0).sqrt()
    # Beside the rounding of the integrator's tolerance, 1e-5 and 1e-10 of a length.
    relative = 3e-2 if torch.finfo(base.dtype).eps > 1e-10 else 1e-3
    step = relative * torch.where(size > 0, size, 1)
    offsets = step[:, None, None] * frame.mT  # rows: the frame's vectors
    shifted = torch.cat([velocity[:, None] + offsets, velocity[:, None] - offsets], 1)
    usable = shifted.isfinite().all(2).all(1)
    every = torch.cat([velocity[:, None], shifted], 1)[usable]
    begin = base[usable][:, None].expand_as(every)
    ends = exponential(metric, begin.flatten(0, 1).contiguous(), every.flatten(0, 1)).end
    ends = ends.unflatten(0, every.shape[:2])
    slope = (ends[:, 1 : dim + 1] - ends[:, dim + 1 :]) / (2 * step[usable])[:, None, None]
    finite = ends.isfinite().all(2).all(1)
    safe = torch.where(finite[:, None, None], slope, 0)
    metric_end = metric.matrix(torch.where(finite[:, None], ends[:, 0], begin[:, 0]))
    # By logarithms: determinants themselves leave the range of floating point in few dimensions.
    log_stretch = torch.linalg.slogdet(safe).logabsdet
    stretch = (log_stretch + torch.linalg.slogdet(metric_end).logabsdet / 2).exp()
    result = base.new_full((count,), torch.nan)
    result[usable] = torch.where(finite, stretch, torch.nan)
    return result
