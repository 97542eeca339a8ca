"""Assumptions that can fail, and audits that test them."""

from geolatent.assumptions.assumption import Assumption
from geolatent.assumptions.atlas import Atlas, make_atlas
from geolatent.assumptions.audit import audit
from geolatent.assumptions.audit_report import AuditReport
from geolatent.assumptions.bootstrap_interval import bootstrap_interval
from geolatent.assumptions.catalogue import catalogue
from geolatent.assumptions.choices import (
    Design,
    Factor,
    Flip,
    Grid,
    Morris,
    SensitivityReport,
    Sobol,
    sensitivity,
)
from geolatent.assumptions.claim import Claim, Kind
from geolatent.assumptions.declared_geometry import DeclaredGeometry
from geolatent.assumptions.examine import examine
from geolatent.assumptions.finding import Finding
from geolatent.assumptions.flat import Flat
from geolatent.assumptions.immersion import Immersion
from geolatent.assumptions.isometric import Isometric
from geolatent.assumptions.kl_nonnegative import KlNonnegative
from geolatent.assumptions.likelihood_floor import LikelihoodFloor
from geolatent.assumptions.mean_interval import mean_interval
from geolatent.assumptions.measurement import Items, Measurement, NotApplicable
from geolatent.assumptions.monotone_paths import MonotonePaths
from geolatent.assumptions.no_duplicates import NoDuplicates
from geolatent.assumptions.no_nuisance import NoNuisance
from geolatent.assumptions.not_clipped import NotClipped
from geolatent.assumptions.paths_stay_on_data import PathsStayOnData
from geolatent.assumptions.posterior_active import PosteriorActive
from geolatent.assumptions.prior_match import PriorMatch
from geolatent.assumptions.readiness import LEVELS, Evidence, Readiness, readiness
from geolatent.assumptions.reported_likelihood import ReportedLikelihood
from geolatent.assumptions.represented import Represented
from geolatent.assumptions.seed_stable import SeedStable
from geolatent.assumptions.smooth import Smooth
from geolatent.assumptions.solver_converged import SolverConverged
from geolatent.assumptions.straight_lines import StraightLines
from geolatent.assumptions.subject import Pairs, Replica, Subject
from geolatent.assumptions.tolerance import Tolerance
from geolatent.assumptions.tree_like import TreeLike
from geolatent.assumptions.triangles import Triangles
from geolatent.assumptions.uncertainty_grows import UncertaintyGrows
from geolatent.assumptions.unique_geodesics import UniqueGeodesics
from geolatent.assumptions.verdict import Interval, Verdict
from geolatent.interpolation import share_interval

__all__ = [
    "LEVELS",
    "Assumption",
    "Atlas",
    "AuditReport",
    "Claim",
    "DeclaredGeometry",
    "Design",
    "Evidence",
    "Factor",
    "Finding",
    "Flat",
    "Flip",
    "Grid",
    "Immersion",
    "Interval",
    "Isometric",
    "Items",
    "Kind",
    "KlNonnegative",
    "LikelihoodFloor",
    "Measurement",
    "MonotonePaths",
    "Morris",
    "NoDuplicates",
    "NoNuisance",
    "NotApplicable",
    "NotClipped",
    "Pairs",
    "PathsStayOnData",
    "PosteriorActive",
    "PriorMatch",
    "Readiness",
    "Replica",
    "ReportedLikelihood",
    "Represented",
    "SeedStable",
    "SensitivityReport",
    "Smooth",
    "Sobol",
    "SolverConverged",
    "StraightLines",
    "Subject",
    "Tolerance",
    "TreeLike",
    "Triangles",
    "UncertaintyGrows",
    "UniqueGeodesics",
    "Verdict",
    "audit",
    "bootstrap_interval",
    "catalogue",
    "examine",
    "make_atlas",
    "mean_interval",
    "readiness",
    "sensitivity",
    "share_interval",
]
