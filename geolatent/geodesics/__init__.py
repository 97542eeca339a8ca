"""Geodesics: energies of curves, their minimisation, and what came out."""

from geolatent.geodesics.code_graph import CodeGraph
from geolatent.geodesics.connect import connect
from geolatent.geodesics.distance import distance, first_variation
from geolatent.geodesics.distance_blocks import DistanceBlocks
from geolatent.geodesics.distance_matrix import DistanceMatrix, distance_matrix
from geolatent.geodesics.initialisation import Initialisation, StraightLine
from geolatent.geodesics.measure import measure
from geolatent.geodesics.path import Path

__all__ = [
    "CodeGraph",
    "DistanceBlocks",
    "DistanceMatrix",
    "Initialisation",
    "Path",
    "StraightLine",
    "connect",
    "distance",
    "distance_matrix",
    "first_variation",
    "measure",
]
