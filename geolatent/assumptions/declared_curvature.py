"""The curvature that a model declares."""

from geolatent.latents import LatentModel
from geolatent.manifolds import ConstantCurvature
from geolatent.metrics import EuclideanMetric, ManifoldMetric


def declared_curvature(model: LatentModel) -> float | None:
    """K of the declared geometry; None where it has no single one (products, learned metrics)."""
    metric = model.assumed_metric()
    if isinstance(metric, EuclideanMetric):
        return 0.0
    if isinstance(metric, ManifoldMetric) and isinstance(metric.manifold, ConstantCurvature):
        return float(metric.manifold.curvature.detach())
    return None
