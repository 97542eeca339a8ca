"""Geodesics: energies of curves, their minimisation, and what came out."""

from geolatent.geodesics.connect import connect
from geolatent.geodesics.measure import measure
from geolatent.geodesics.path import Path

__all__ = ["Path", "connect", "measure"]
