"""All simulations by the claim that they are about."""

import importlib

from geolatent.calibration.simulation import Simulation

_MODULES = {
    "geometric_simulations": (
        "solver-converged",
        "immersion",
        "smooth",
        "straight-lines",
        "isometric",
        "flat",
        "declared-geometry",
        "unique-geodesics",
    ),
    "statistical_simulations": (
        "tree-like",
        "posterior-active",
        "prior-match",
        "uncertainty-grows",
        "paths-stay-on-data",
        "no-nuisance",
        "represented",
        "no-duplicates",
        "monotone-paths",
    ),
}

SIMULATED = tuple(name for names in _MODULES.values() for name in names)
"""Claims that there are simulations of."""


def simulations(claim: str) -> list[Simulation]:
    """What a claim is tested on; their population effects are computed, which takes seconds.

    Raises:
        ValueError: there is none of this name.
    """
    for module, names in _MODULES.items():
        if claim in names:
            found = importlib.import_module(f"geolatent.calibration.{module}")
            return list(getattr(found, claim.replace("-", "_"))())
    raise ValueError(f"no simulations of {claim!r}; there are some of {', '.join(SIMULATED)}.")
