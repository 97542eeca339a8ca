"""Paths between codes and how they differ."""

from geolatent.interpolation.affine_null import affine_null
from geolatent.interpolation.assumed import Assumed
from geolatent.interpolation.bend import Bend, summarise_bend
from geolatent.interpolation.compare import compare, nearest_distance
from geolatent.interpolation.comparison import Comparison, Profile
from geolatent.interpolation.density_geodesic import DensityGeodesic
from geolatent.interpolation.geodesic import Geodesic
from geolatent.interpolation.graph_path import GraphPath
from geolatent.interpolation.interpolator import Interpolator
from geolatent.interpolation.linear import Linear
from geolatent.interpolation.path_rules import INTERPOLATORS
from geolatent.interpolation.random_pairs import random_pairs
from geolatent.interpolation.spherical import Spherical

__all__ = [
    "INTERPOLATORS",
    "Assumed",
    "Bend",
    "Comparison",
    "DensityGeodesic",
    "Geodesic",
    "GraphPath",
    "Interpolator",
    "Linear",
    "Profile",
    "Spherical",
    "affine_null",
    "compare",
    "nearest_distance",
    "random_pairs",
    "summarise_bend",
]
