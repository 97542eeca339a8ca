"""Great circles."""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from geolatent.geodesics import Path, measure
from geolatent.interpolation.interpolator import SEGMENTS, Interpolator
from geolatent.latents import LatentModel

_ROOM = 64  # units in the last place by which an angle has to differ from π


@final
class Spherical(Interpolator):
    r"""Spherical linear interpolation, slerp, around the origin of the codes.

    .. math::
        z(t) = \frac{\sin((1 - t) Ω)}{\sin Ω}\, z_0 + \frac{\sin(t Ω)}{\sin Ω}\, z_1,
        \qquad Ω = \angle(z_0, z_1)

    Codes of one norm are joined by the geodesic of their sphere. In many dimensions most of a
    normal prior is near one sphere, and straight lines cut through its empty middle. There is no
    such path, and `converged` is false, between opposite codes and from the origin.

    References:
        White, T. (2016). Sampling generative networks. arXiv 1609.04468.
    """

    @override
    def __call__(
        self,
        model: LatentModel,
        start: Float[Tensor, "b d"],
        end: Float[Tensor, "b d"],
        *,
        codes: Float[Tensor, "m d"] | None = None,
    ) -> Path:
        return measure(model.induced_metric(), slerp(start, end, SEGMENTS))


def slerp(
    start: Float[Tensor, "b d"], end: Float[Tensor, "b d"], segments: int
) -> Float[Tensor, "b t d"]:
    """Codes on the great circles at equal times, `segments + 1` each; NaN where there is none."""
    norms = [torch.linalg.vector_norm(z, dim=-1, keepdim=True) for z in (start, end)]
    defined = (norms[0] > 0) & (norms[1] > 0)
    u, v = (z / torch.where(defined, norm, 1) for z, norm in zip((start, end), norms, strict=True))
    # Unlike an arc cosine this form is as accurate for small angles as for large ones.
    apart, together = (torch.linalg.vector_norm(w, dim=-1, keepdim=True) for w in (u - v, u + v))
    angle = 2 * torch.atan2(apart, together)
    defined = defined & (torch.pi - angle > _ROOM * torch.finfo(start.dtype).eps)
    angle = torch.where(defined, angle, 0)
    t = torch.linspace(0, 1, segments + 1, dtype=start.dtype, device=start.device)

    def weight(s: Tensor) -> Tensor:
        # torch.sinc is sin(πx) / (πx): finite for equal directions, where slerp is linear.
        return s * torch.sinc(s * angle / torch.pi) / torch.sinc(angle / torch.pi)

    first, last = weight(1 - t).unsqueeze(-1), weight(t).unsqueeze(-1)
    points = first * start.unsqueeze(1) + last * end.unsqueeze(1)
    points = torch.cat([start.unsqueeze(1), points[:, 1:-1], end.unsqueeze(1)], dim=1)
    return points.masked_fill(~defined.unsqueeze(1), torch.nan)
