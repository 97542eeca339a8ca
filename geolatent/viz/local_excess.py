"""By how much short straight lines are too long, at the codes of data."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from geolatent.geodesics import connect, exponential, measure
from geolatent.geodesics.pairs import require_finite_rows
from geolatent.interpolation import affine_null
from geolatent.latents import LatentModel, as_latent_model
from geolatent.metrics import (
    ClosedFormGeodesics,
    ImmersedMetric,
    Metric,
)
from geolatent.metrics.raised_index import orthonormal_frame

if TYPE_CHECKING:
    import pandas as pd

_TIMES = 33  # of a declared geodesic that is not straight
_SEGMENTS = 8  # of the geodesics, which are short


@final
@dataclass(frozen=True, eq=False)
class LocalExcess:
    """How much longer short declared geodesics are than induced ones.

    Attributes:
        codes: their middles, `(m, d)`.
        excess: declared over induced length − 1, in k random directions, `(m, k)`; NaN where no
            geodesic was found.
        null: the same on the affine decoder nearest to this one, `(m, k)`: 0 up to rounding. None
            where that is no null, because the declared geometry is not flat, and where the metric
            has no immersion.
        reach: length of the lines in the declared geometry.
    """

    codes: Float[Tensor, "m d"]
    excess: Float[Tensor, "m k"]
    null: Float[Tensor, "m k"] | None
    reach: float

    def mean(self) -> Float[Tensor, " m"]:
        """Over the directions in which it was measured."""
        return self.excess.nanmean(1)

    def to_frame(self) -> "pd.DataFrame":
        """One row for each code and direction."""
        import pandas as pd

        count, directions = self.excess.shape
        codes = self.codes.repeat_interleave(directions, 0).cpu().numpy()
        columns = {f"z{k + 1}": codes[:, k] for k in range(codes.shape[1])}
        columns["direction"] = torch.arange(directions).repeat(count).numpy()
        columns["excess"] = self.excess.flatten().cpu().numpy()
        if self.null is not None:
            columns["null"] = self.null.flatten().cpu().numpy()
        return pd.DataFrame(columns)


@torch.no_grad()
def local_excess(
    model: LatentModel | nn.Module | Callable[[Tensor], Tensor],
    codes: Float[Tensor, "m d"],
    *,
    reach: float | None = None,
    directions: int = 2,
    seed: int = 0,
) -> LocalExcess:
    r"""Compare short declared geodesics through codes with induced ones between the same ends.

    A line of length s whose geodesic curvature in the induced metric is κ is too long by
    :math:`κ^2 s^2 / 24` of its induced length s, as long as that is little: the number depends on
    the reach, which therefore belongs to it.

    Args:
        model: a model or a bare decoder.
        codes: `(m, d)`, each the middle of `directions` lines.
        reach: length of the lines in the declared geometry; half the root mean square distance of
            the codes' coordinates from their mean if not given.
        directions: random ones at each code, uniform in the declared geometry.
        seed: of the directions.

    Returns:
        The excess, and that of the affine null.

    Raises:
        ValueError: the reach is not positive, or there is no direction.
    """
    require_finite_rows("codes", codes)
    if directions < 1:
        raise ValueError(f"at least one direction is needed, got {directions}.")
    if reach is None:
        reach = float(0.5 * (codes - codes.mean(0)).square().mean().sqrt())
    if not reach > 0:
        raise ValueError(f"reach={reach} must be positive; give one if all codes are the same.")
    subject = as_latent_model(model)
    induced, assumed = subject.induced_metric(), subject.assumed_metric()
    random = torch.Generator().manual_seed(seed)
    count, dim = codes.shape
    steps = torch.randn(count, directions, dim, generator=random, dtype=torch.float64)
    unit = (steps / torch.linalg.vector_norm(steps, dim=-1, keepdim=True)).to(codes)
    middle = codes.detach().repeat_interleave(directions, 0)
    frame = orthonormal_frame(assumed.matrix(middle))
    velocity = (frame @ unit.flatten(0, 1).unsqueeze(-1)).squeeze(-1)
    lines = _through(assumed, middle, reach / 2 * velocity)
    excess = _excess(induced, lines)
    null = None
    straight = torch.lerp(
        lines[:, :1], lines[:, -1:], torch.linspace(0, 1, _TIMES).to(codes)[:, None]
    )
    flat = torch.allclose(lines, straight, rtol=0, atol=1e-4 * reach)
    if flat and isinstance(induced, ImmersedMetric) and count > dim:
        null = _excess(affine_null(induced, codes), lines).unflatten(0, (count, directions))
    return LocalExcess(
        codes=codes.detach(),
        excess=excess.unflatten(0, (count, directions)),
        null=null,
        reach=reach,
    )


def _through(
    metric: Metric, middle: Float[Tensor, "b d"], half: Float[Tensor, "b d"]
) -> Float[Tensor, "b t d"]:
    """Geodesics from exp(−half) to exp(half); NaN where one cannot be followed."""
    if isinstance(metric, ClosedFormGeodesics):
        ends = [exponential(metric, middle, sign * half).end for sign in (-1, 1)]
        return metric.geodesic(ends[0], ends[1], torch.linspace(0, 1, _TIMES).to(middle))
    times = torch.linspace(0, 1, _TIMES // 2 + 1).to(middle)
    back, forth = (exponential(metric, middle, sign * half, t=times).points for sign in (-1, 1))
    assert back is not None
    assert forth is not None
    return torch.cat([back.flip(1), forth[:, 1:]], 1)


def _excess(metric: Metric, lines: Float[Tensor, "b t d"]) -> Float[Tensor, " b"]:
    good = lines.isfinite().all(2).all(1)
    found = torch.full_like(lines[:, 0, 0], torch.nan)
    if not good.any():
        return found
    lines = lines[good]
    path = connect(metric, lines[:, 0], lines[:, -1], segments=_SEGMENTS)
    ratio = measure(metric, lines).length / path.length - 1
    found[good] = torch.where(path.converged & (path.length > 0), ratio, torch.nan)
    return found
