"""Riemannian metrics on codes."""

from geolatent.metrics.chain import Chain, Part, Scaling, parts_of
from geolatent.metrics.density_metric import DensityMetric
from geolatent.metrics.euclidean_metric import EuclideanMetric
from geolatent.metrics.fisher_rao_metric import FisherRaoMetric
from geolatent.metrics.forward_jacobian import forward_jacobian
from geolatent.metrics.manifold_metric import ManifoldMetric
from geolatent.metrics.metric import ClosedFormGeodesics, ImmersedMetric, Metric, ReducibleMetric
from geolatent.metrics.pullback_metric import PullbackMetric
from geolatent.metrics.raised_index import regular
from geolatent.metrics.rhvae_metric import LocalRhvaeMetric, RhvaeMetric

__all__ = [
    "Chain",
    "ClosedFormGeodesics",
    "DensityMetric",
    "EuclideanMetric",
    "FisherRaoMetric",
    "ImmersedMetric",
    "LocalRhvaeMetric",
    "ManifoldMetric",
    "Metric",
    "Part",
    "PullbackMetric",
    "ReducibleMetric",
    "RhvaeMetric",
    "Scaling",
    "forward_jacobian",
    "parts_of",
    "regular",
]
