"""Our metrics in geomstats, geoopt and scikit-learn, each imported when used; others' decoders."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from geolatent.interop.diffusers_decoder import DiffusersDecoder
    from geolatent.interop.geodesic_distances import GeodesicDistances
    from geolatent.interop.geomstats_metric import GeomstatsMetric, geomstats_space
    from geolatent.interop.learned_manifold import LearnedManifold
    from geolatent.interop.pythae_decoder import PythaeDecoder
    from geolatent.interop.scvi_decoder import ScviDecoder
    from geolatent.interop.tangent_space import TangentSpace

__all__ = [
    "DiffusersDecoder",
    "GeodesicDistances",
    "GeomstatsMetric",
    "LearnedManifold",
    "PythaeDecoder",
    "ScviDecoder",
    "TangentSpace",
    "geomstats_space",
]

_HOMES = {
    "DiffusersDecoder": "diffusers_decoder",
    "GeodesicDistances": "geodesic_distances",
    "GeomstatsMetric": "geomstats_metric",
    "LearnedManifold": "learned_manifold",
    "PythaeDecoder": "pythae_decoder",
    "ScviDecoder": "scvi_decoder",
    "TangentSpace": "tangent_space",
    "geomstats_space": "geomstats_metric",
}


def __getattr__(name: str) -> object:
    """Geomstats and scikit-learn take a second each to import."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
