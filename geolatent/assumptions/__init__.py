"""Assumptions that can fail, and audits that test them."""

from geolatent.assumptions.assumption import Assumption
from geolatent.assumptions.audit import audit
from geolatent.assumptions.audit_report import AuditReport
from geolatent.assumptions.bootstrap_interval import bootstrap_interval
from geolatent.assumptions.catalogue import catalogue
from geolatent.assumptions.claim import Claim, Kind
from geolatent.assumptions.examine import examine
from geolatent.assumptions.finding import Finding
from geolatent.assumptions.immersion import Immersion
from geolatent.assumptions.measurement import Items, Measurement, NotApplicable
from geolatent.assumptions.readiness import LEVELS, Evidence, Readiness, readiness
from geolatent.assumptions.share_interval import share_interval
from geolatent.assumptions.solver_converged import SolverConverged
from geolatent.assumptions.straight_lines import StraightLines
from geolatent.assumptions.subject import Pairs, Subject
from geolatent.assumptions.tolerance import Tolerance
from geolatent.assumptions.verdict import Interval, Verdict

__all__ = [
    "LEVELS",
    "Assumption",
    "AuditReport",
    "Claim",
    "Evidence",
    "Finding",
    "Immersion",
    "Interval",
    "Items",
    "Kind",
    "Measurement",
    "NotApplicable",
    "Pairs",
    "Readiness",
    "SolverConverged",
    "StraightLines",
    "Subject",
    "Tolerance",
    "Verdict",
    "audit",
    "bootstrap_interval",
    "catalogue",
    "examine",
    "readiness",
    "share_interval",
]
