"""The rules by name, and what `compare` is asked for."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from geolatent.interpolation.assumed import Assumed
from geolatent.interpolation.density_geodesic import DensityGeodesic
from geolatent.interpolation.geodesic import Geodesic
from geolatent.interpolation.graph_path import GraphPath
from geolatent.interpolation.interpolator import Interpolator
from geolatent.interpolation.linear import Linear
from geolatent.interpolation.spherical import Spherical

INTERPOLATORS: Mapping[str, Interpolator] = MappingProxyType(
    {
        "linear": Linear(),
        "spherical": Spherical(),
        "assumed": Assumed(),
        "geodesic": Geodesic(),
        "density": DensityGeodesic(),
        "graph": GraphPath(),
    }
)
"""The rules at their defaults, by the names that `compare` and the configs use."""


def path_rules(paths: Sequence[str] | Mapping[str, Interpolator]) -> dict[str, Interpolator]:
    """The rules that are asked for, by name or in person.

    Raises:
        ValueError: there are none, or a name is unknown.
        TypeError: something that is given in person is no rule.
    """
    if isinstance(paths, Mapping):
        for name, rule in paths.items():
            if not isinstance(rule, Interpolator):
                raise TypeError(f"paths[{name!r}] must be an Interpolator, got {rule!r}.")
        rules = dict(paths)
    else:
        if isinstance(paths, str):
            raise TypeError(f"paths are several: give ({paths!r},), with the comma.")
        unknown = [name for name in paths if name not in INTERPOLATORS]
        if unknown:
            raise ValueError(f"unknown paths {unknown}; choose from {list(INTERPOLATORS)}.")
        rules = {name: INTERPOLATORS[name] for name in paths}
    if not rules:
        raise ValueError(f"no paths to compare; choose from {list(INTERPOLATORS)}.")
    return rules
