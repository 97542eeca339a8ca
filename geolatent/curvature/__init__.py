"""Curvature of any metric on codes, and what the metric does to small shapes.

Conventions: R(u, v)w = ∇_u ∇_v w − ∇_v ∇_u w − ∇_[u,v] w and R_ijkl = ⟨R(∂_i, ∂_j)∂_k, ∂_l⟩. The
sectional curvature of a plane is then R(u, v, v, u) over its squared area, and that of the unit
sphere is 1.

Derivatives are exact, by forward mode, so that a decoder has to be twice differentiable: a ReLU
network is flat by pieces, and its curvature is 0 wherever it exists. Where the metric is singular
to working precision or not finite, connections and curvatures are NaN for that code alone, and
`geolatent.metrics.regular` says where that is; volume, magnification and condition number have
their limits there (0, −∞ and ∞).
"""

from geolatent.curvature.christoffel import christoffel
from geolatent.curvature.gaussian import gaussian
from geolatent.curvature.indicatrix import indicatrix
from geolatent.curvature.ricci import ricci, scalar
from geolatent.curvature.riemann import riemann
from geolatent.curvature.sectional import sectional
from geolatent.curvature.stretch import (
    condition_number,
    log10_magnification,
    principal_stretches,
    volume_element,
)

__all__ = [
    "christoffel",
    "condition_number",
    "gaussian",
    "indicatrix",
    "log10_magnification",
    "principal_stretches",
    "ricci",
    "riemann",
    "scalar",
    "sectional",
    "volume_element",
]
