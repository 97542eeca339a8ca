"""Probability distributions on manifolds; every density names its reference measure."""

from geolatent.distributions.brownian_motion import BrownianMotion
from geolatent.distributions.isotropic import Isotropic
from geolatent.distributions.mixture import Mixture
from geolatent.distributions.power_spherical import PowerSpherical
from geolatent.distributions.product_distribution import ProductDistribution
from geolatent.distributions.riemannian_normal import RiemannianNormal
from geolatent.distributions.torus_normal import TorusNormal
from geolatent.distributions.uniform import Uniform
from geolatent.distributions.von_mises_fisher import VonMisesFisher
from geolatent.distributions.wrapped_normal import WrappedNormal

__all__ = [
    "BrownianMotion",
    "Isotropic",
    "Mixture",
    "PowerSpherical",
    "ProductDistribution",
    "RiemannianNormal",
    "TorusNormal",
    "Uniform",
    "VonMisesFisher",
    "WrappedNormal",
]
