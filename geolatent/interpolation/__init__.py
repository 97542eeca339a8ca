"""Paths between codes and how they differ."""

from geolatent.interpolation.affine_null import AffineModel, affine_null
from geolatent.interpolation.assumed import Assumed
from geolatent.interpolation.bend import Bend, summarise_bend
from geolatent.interpolation.compare import compare
from geolatent.interpolation.comparison import Comparison
from geolatent.interpolation.comparison_text import PATH_TITLES
from geolatent.interpolation.density_geodesic import DensityGeodesic
from geolatent.interpolation.geodesic import Geodesic
from geolatent.interpolation.graph_path import GraphPath
from geolatent.interpolation.interpolator import Interpolator
from geolatent.interpolation.linear import Linear
from geolatent.interpolation.nearest_data import NearestData, nearest_distance
from geolatent.interpolation.neighbour_classifier import NeighbourClassifier
from geolatent.interpolation.paired_effect import PairedEffect, paired_effect
from geolatent.interpolation.path_measure import MEASURES, PathMeasure
from geolatent.interpolation.path_rules import INTERPOLATORS
from geolatent.interpolation.profile import Profile
from geolatent.interpolation.random_pairs import random_pairs
from geolatent.interpolation.share_interval import share_interval
from geolatent.interpolation.spherical import Spherical

__all__ = [
    "INTERPOLATORS",
    "MEASURES",
    "PATH_TITLES",
    "AffineModel",
    "Assumed",
    "Bend",
    "Comparison",
    "DensityGeodesic",
    "Geodesic",
    "GraphPath",
    "Interpolator",
    "Linear",
    "NearestData",
    "NeighbourClassifier",
    "PairedEffect",
    "PathMeasure",
    "Profile",
    "Spherical",
    "affine_null",
    "compare",
    "nearest_distance",
    "paired_effect",
    "random_pairs",
    "share_interval",
    "summarise_bend",
]
