"""Paths between codes and how they differ."""

from geolatent.interpolation.affine_null import affine_null
from geolatent.interpolation.bend import Bend, summarise_bend
from geolatent.interpolation.compare import compare, nearest_distance
from geolatent.interpolation.comparison import Comparison, Profile
from geolatent.interpolation.interpolator import (
    INTERPOLATORS,
    Assumed,
    Geodesic,
    Interpolator,
    Linear,
)
from geolatent.interpolation.random_pairs import random_pairs

__all__ = [
    "INTERPOLATORS",
    "Assumed",
    "Bend",
    "Comparison",
    "Geodesic",
    "Interpolator",
    "Linear",
    "Profile",
    "affine_null",
    "compare",
    "nearest_distance",
    "random_pairs",
    "summarise_bend",
]
