"""Pages that say what was found: one HTML file each."""

from geolatent.report.audit_page import render_audit, write_audit_page
from geolatent.report.finding import TOLERATED_SHARE, finding, headline, verdict
from geolatent.report.page import Making, ModelSection, Page, ReportFigure
from geolatent.report.write_page import render_page, write_page

__all__ = [
    "TOLERATED_SHARE",
    "Making",
    "ModelSection",
    "Page",
    "ReportFigure",
    "finding",
    "headline",
    "render_audit",
    "render_page",
    "verdict",
    "write_audit_page",
    "write_page",
]
