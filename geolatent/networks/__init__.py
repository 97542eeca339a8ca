"""Encoder and decoder networks."""

from geolatent.networks.convolutional import ConvolutionalDecoder, ConvolutionalEncoder
from geolatent.networks.ensemble_decoder import EnsembleDecoder
from geolatent.networks.gyroplane import Gyroplane
from geolatent.networks.log_counts import LogCounts
from geolatent.networks.mlp import ACTIVATIONS, MLP
from geolatent.networks.paraboloid import Paraboloid
from geolatent.networks.rbf_precision_decoder import RbfPrecisionDecoder
from geolatent.networks.stretched_plane import StretchedPlane
from geolatent.networks.surfaces import (
    Ellipsoid,
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
    "ConvolutionalDecoder",
    "ConvolutionalEncoder",
    "Ellipsoid",
    "EnsembleDecoder",
    "Gyroplane",
    "HyperbolicPatch",
    "LogCounts",
    "MeasuredSurface",
    "Paraboloid",
    "RbfPrecisionDecoder",
    "Sphere",
    "StretchedPlane",
    "Surface",
    "SwissRoll",
    "Torus",
    "UncertaintyFitted",
]
