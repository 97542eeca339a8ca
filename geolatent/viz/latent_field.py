"""The geometry of a latent space, cell by cell of a map."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from geolatent.curvature import gaussian
from geolatent.geodesics.pairs import require_finite_rows
from geolatent.interpolation import affine_null
from geolatent.latents import LatentModel, UncertainModel, as_latent_model
from geolatent.metrics import ImmersedMetric, Metric
from geolatent.metrics.in_chunks import in_chunks
from geolatent.metrics.raised_index import orthonormal_frame
from geolatent.metrics.require_codes import require_codes
from geolatent.viz.declared_chart import declared_chart
from geolatent.viz.latent_chart import LatentChart
from geolatent.viz.page_grid import PageGrid, page_grid
from geolatent.viz.plane_section import PlaneSection

if TYPE_CHECKING:
    import pandas as pd

_AT_ONCE = 4096  # codes that are decoded together


@final
@dataclass(frozen=True, eq=False)
class LatentField:
    r"""What a decoder does to each cell of a map, relative to the declared geometry.

    With singular values :math:`σ_1 \ge σ_2` of the drawn surface's map, in frames that are
    orthonormal for the declared metric, so that nothing depends on coordinates:

    Attributes:
        chart: of the map.
        grid: its cells.
        log10_magnification: log₁₀ σ₁σ₂, induced area per declared area, `(h, w)`.
        log10_condition: 2 log₁₀ σ₁/σ₂, `(h, w)`: 0 where circles stay circles.
        curvature: Gaussian curvature, in inverse squared units of induced length, `(h, w)`; NaN
            where the metric is singular.
        null_curvature: the same of the affine decoder nearest to this one, `(h, w)`: 0 up to
            rounding. None where the metric has no immersion.
        uncertainty: standard deviation that the model states for its data, root mean square over
            features, `(h, w)`; None if it states none.
    """

    chart: LatentChart
    grid: PageGrid
    log10_magnification: Float[Tensor, "h w"]
    log10_condition: Float[Tensor, "h w"]
    curvature: Float[Tensor, "h w"]
    null_curvature: Float[Tensor, "h w"] | None
    uncertainty: Float[Tensor, "h w"] | None

    def to_frame(self) -> "pd.DataFrame":
        """One row for each cell that is shown: its place on the page, its code, its numbers."""
        import pandas as pd

        shown = self.grid.shown.cpu().numpy()
        x, y = ((edges[1:] + edges[:-1]) / 2 for edges in (self.grid.x, self.grid.y))
        row, column = shown.nonzero()
        columns = {"x": x[column], "y": y[row]}
        codes = self.grid.codes.cpu().numpy()[shown]
        columns |= {f"z{k + 1}": codes[:, k] for k in range(codes.shape[1])}
        for name in (
            "log10_magnification",
            "log10_condition",
            "curvature",
            "null_curvature",
            "uncertainty",
        ):
            values = getattr(self, name)
            if values is not None:
                columns[name] = values.cpu().numpy()[shown]
        return pd.DataFrame(columns)


@torch.no_grad()
def latent_field(
    model: LatentModel | nn.Module | Callable[[Tensor], Tensor],
    codes: Float[Tensor, "m d"],
    *,
    plane: PlaneSection | None = None,
    resolution: int = 64,
    must_show: Float[Tensor, "k d"] | None = None,
) -> LatentField:
    """Measure the geometry on a grid over the codes, a bounded number of cells at a time.

    Args:
        model: a model or a bare decoder.
        codes: of data, `(m, d)`.
        plane: of a space of more than two dimensions, which to show.
        resolution: cells along the longer side.
        must_show: codes that the map has to contain, `(k, d)`.

    Returns:
        The field.

    Raises:
        ValueError: the codes do not have two dimensions and there is no plane, or the resolution
            is below 2, or the decoder has no geometry: it fails on the codes, depends on chance or
            carries no gradient.
    """
    require_finite_rows("codes", codes)
    subject = as_latent_model(model)
    chart = declared_chart(subject, codes, plane)
    codes = codes.detach()
    require_codes(subject.induced_metric(), codes)
    grid = page_grid(chart, codes, codes[:1] if must_show is None else must_show, resolution)
    z = grid.codes[grid.shown]
    surface = chart.surface(subject.induced_metric())
    declared = chart.surface(subject.assumed_metric())
    w = chart.on_surface(z)
    stretches = relative_stretches(surface, declared, w)
    null = None
    if isinstance(surface, ImmersedMetric) and len(codes) > 2:
        null = _spread(gaussian(affine_null(surface, chart.on_surface(codes)), w), grid)
    uncertainty = None
    if isinstance(subject, UncertainModel):
        uncertainty = _spread(
            torch.cat([subject.uncertainty(part) for part in z.split(_AT_ONCE)]), grid
        )
    return LatentField(
        chart=chart,
        grid=grid,
        log10_magnification=_spread(stretches.log10().sum(-1), grid),
        log10_condition=_spread(2 * (stretches[:, 0] / stretches[:, 1]).log10(), grid),
        curvature=_spread(gaussian(surface, w), grid),
        null_curvature=null,
        uncertainty=uncertainty,
    )


@torch.no_grad()
def relative_stretches(
    metric: Metric, reference: Metric, z: Float[Tensor, "m d"]
) -> Float[Tensor, "m d"]:
    """By how much unit lengths of one metric are stretched in another, largest first.

    NaN where the reference is singular or the metric not finite; infinity never, 0 where the metric
    is rank-deficient.
    """

    def stretches(codes: Tensor) -> tuple[Tensor]:
        frames = orthonormal_frame(reference.matrix(codes))
        if isinstance(metric, ImmersedMetric):
            images = metric.jacobian(codes) @ frames
            gram = images.mT @ images
        else:
            gram = frames.mT @ metric.matrix(codes) @ frames
        finite = gram.isfinite().all(-1).all(-1)[:, None, None]
        # In float64: the condition number of a map is squared in its Gram matrix.
        values = torch.linalg.eigvalsh(torch.where(finite, gram, 0).double())
        roots = values.clamp_min(0).sqrt().flip(-1).to(codes)
        return (torch.where(finite.squeeze(-1), roots, torch.nan),)

    return in_chunks(metric, stretches, z, evaluations=z.shape[-1] + 1)[0]


def _spread(values: Float[Tensor, " c"], grid: PageGrid) -> Float[Tensor, "h w"]:
    """Values of the shown cells on the whole grid."""
    field = torch.full(grid.shown.shape, math.nan, dtype=torch.float64)
    field[grid.shown.cpu()] = values.double().cpu()
    return field
