"""The assumptions that an audit tests if it is not told which."""

from geolatent.assumptions.assumption import Assumption
from geolatent.assumptions.declared_geometry import DeclaredGeometry
from geolatent.assumptions.flat import Flat
from geolatent.assumptions.immersion import Immersion
from geolatent.assumptions.isometric import Isometric
from geolatent.assumptions.kl_nonnegative import KlNonnegative
from geolatent.assumptions.likelihood_floor import LikelihoodFloor
from geolatent.assumptions.monotone_paths import MonotonePaths
from geolatent.assumptions.no_duplicates import NoDuplicates
from geolatent.assumptions.no_nuisance import NoNuisance
from geolatent.assumptions.not_clipped import NotClipped
from geolatent.assumptions.paths_stay_on_data import PathsStayOnData
from geolatent.assumptions.posterior_active import PosteriorActive
from geolatent.assumptions.prior_match import PriorMatch
from geolatent.assumptions.reported_likelihood import ReportedLikelihood
from geolatent.assumptions.represented import Represented
from geolatent.assumptions.seed_stable import SeedStable
from geolatent.assumptions.smooth import Smooth
from geolatent.assumptions.solver_converged import SolverConverged
from geolatent.assumptions.straight_lines import StraightLines
from geolatent.assumptions.tree_like import TreeLike
from geolatent.assumptions.uncertainty_grows import UncertaintyGrows
from geolatent.assumptions.unique_geodesics import UniqueGeodesics


def catalogue() -> dict[str, Assumption]:
    """One of each, with its defaults, by name: integrity first, since the rest relies on it."""
    everything: list[Assumption] = [
        SolverConverged(),
        LikelihoodFloor(),
        KlNonnegative(),
        NotClipped(),
        ReportedLikelihood(),
        NoNuisance(),
        Represented(),
        NoDuplicates(),
        Immersion(),
        Smooth(),
        StraightLines(),
        Isometric(),
        Flat(),
        DeclaredGeometry(),
        UniqueGeodesics(),
        TreeLike(),
        PosteriorActive(),
        PriorMatch(),
        UncertaintyGrows(),
        PathsStayOnData(),
        SeedStable(),
        MonotonePaths(),
    ]
    return {assumption.claim.name: assumption for assumption in everything}
