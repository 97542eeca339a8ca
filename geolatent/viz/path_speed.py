"""How fast a path is at every time."""

import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.geodesics import Path
from geolatent.metrics import ImmersedMetric, Metric

_CURVES_AT_ONCE = 32


@torch.no_grad()
def relative_speed(
    metric: Metric, path: Path, *, chords: int = 128
) -> tuple[Float[Tensor, "s"], Float[Tensor, "b s"]]:
    r"""Speed of each curve over its own mean.

    .. math:: ‖γ'(t)‖_{γ(t)} \Big/ \int_0^1 ‖γ'(s)‖\, ds

    Args:
        metric: what to measure in.
        path: curves.
        chords: how many speeds along each curve.

    Returns:
        Times `(s,)` at the middle of the chords, and speeds `(b, s)`; NaN for a curve that stays
        where it is.
    """
    edges = torch.linspace(0, 1, chords + 1, dtype=path.points.dtype, device=path.points.device)
    speed = torch.cat([_chords(metric, part) for part in path(edges).split(_CURVES_AT_ONCE)])
    return (edges[1:] + edges[:-1]) / 2, speed / speed.mean(1, keepdim=True)


def _chords(metric: Metric, points: Float[Tensor, "b t d"]) -> Float[Tensor, "b s"]:
    if isinstance(metric, ImmersedMetric):
        return torch.linalg.vector_norm(metric.immersion(points).diff(dim=1), dim=-1)
    step, middle = points.diff(dim=1), (points[:, 1:] + points[:, :-1]) / 2
    return torch.einsum("bsi,bsij,bsj->bs", step, metric.matrix(middle), step).clamp_min(0).sqrt()
