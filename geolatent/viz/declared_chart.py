"""Which chart shows the geometry that a model declares."""

import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.latents import LatentModel
from geolatent.manifolds import ConstantCurvature
from geolatent.metrics import ManifoldMetric
from geolatent.viz.latent_chart import LatentChart
from geolatent.viz.plane_chart import PlaneChart
from geolatent.viz.plane_section import PlaneSection
from geolatent.viz.poincare_disk_chart import PoincareDiskChart
from geolatent.viz.sphere_disk_chart import SphereDiskChart


def declared_chart(
    model: LatentModel, codes: Float[Tensor, "m d"], plane: PlaneSection | None = None
) -> LatentChart:
    """The plane asked for, or the chart of a two-dimensional space.

    Args:
        model: whose geometry.
        codes: to be shown, `(m, d)`.
        plane: asked for; without one d has to be 2.

    Returns:
        The Poincaré disk of a hyperbolic plane, a disk for the sphere, else the codes as they are.

    Raises:
        ValueError: there are no codes, or they have not two dimensions and there is no plane.
    """
    if not len(codes) or (plane is None and codes.shape[-1] != 2):
        raise ValueError(
            f"a map shows two-dimensional codes, got codes of shape {tuple(codes.shape)}; "
            "plane=PlaneSection.principal(codes) or PlaneSection.through(three_codes) shows one of "
            "a larger space; decoded strips and profiles work in any dimension."
        )
    if plane is not None:
        plane.to_page(codes[:1])  # raises if the dimensions differ
        return plane
    metric = model.assumed_metric()
    if isinstance(metric, ManifoldMetric) and isinstance(metric.manifold, ConstantCurvature):
        curvature = float(metric.manifold.curvature.detach())
        if curvature < 0:
            return PoincareDiskChart(curvature)
        if curvature > 0:
            return SphereDiskChart(curvature)
    return PlaneChart()


def broken(page: Float[Tensor, "*b t 2"], chart: LatentChart) -> Float[Tensor, "*b t 2"]:
    """Points of curves on the page, NaN where a curve leaves one side and enters at another."""
    if not isinstance(chart, SphereDiskChart):
        return page
    jumps = torch.linalg.vector_norm(page.diff(dim=-2), dim=-1) > 1
    gap = torch.nn.functional.pad(jumps, (1, 0)).unsqueeze(-1)
    return torch.where(gap, torch.nan, page)
