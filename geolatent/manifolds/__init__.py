"""Manifolds of constant curvature, accurate from contact to the limit of the dtype."""

from geolatent.manifolds.euclidean import Euclidean
from geolatent.manifolds.lorentz import Lorentz
from geolatent.manifolds.manifold import Manifold
from geolatent.manifolds.poincare_ball import PoincareBall

__all__ = ["Euclidean", "Lorentz", "Manifold", "PoincareBall"]
