"""Encoder and decoder networks."""

from geolatent.networks.mlp import ACTIVATIONS, MLP
from geolatent.networks.rbf_precision_decoder import RbfPrecisionDecoder
from geolatent.networks.surfaces import (
    HyperbolicPatch,
    MeasuredSurface,
    Sphere,
    Surface,
    SwissRoll,
    Torus,
)
from geolatent.networks.uncertainty_fitted import UncertaintyFitted

__all__ = [
    "ACTIVATIONS",
    "MLP",
    "HyperbolicPatch",
    "MeasuredSurface",
    "RbfPrecisionDecoder",
    "Sphere",
    "Surface",
    "SwissRoll",
    "Torus",
    "UncertaintyFitted",
]
