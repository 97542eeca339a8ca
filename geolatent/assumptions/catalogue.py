"""The assumptions that an audit tests if it is not told which."""

from geolatent.assumptions.assumption import Assumption
from geolatent.assumptions.immersion import Immersion
from geolatent.assumptions.solver_converged import SolverConverged
from geolatent.assumptions.straight_lines import StraightLines


def catalogue() -> dict[str, Assumption]:
    """One of each, with its defaults, by name: integrity first, since the rest relies on it."""
    everything: list[Assumption] = [SolverConverged(), Immersion(), StraightLines()]
    return {assumption.claim.name: assumption for assumption in everything}
