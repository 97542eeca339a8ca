"""Riemannian metrics on codes."""

from geolatent.metrics.euclidean_metric import EuclideanMetric
from geolatent.metrics.forward_jacobian import forward_jacobian
from geolatent.metrics.manifold_metric import ManifoldMetric
from geolatent.metrics.metric import ClosedFormGeodesics, ImmersedMetric, Metric
from geolatent.metrics.pullback_metric import PullbackMetric

__all__ = [
    "ClosedFormGeodesics",
    "EuclideanMetric",
    "ImmersedMetric",
    "ManifoldMetric",
    "Metric",
    "PullbackMetric",
    "forward_jacobian",
]
