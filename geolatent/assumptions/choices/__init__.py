"""Choices that nobody reports, and how verdicts move with them."""

from geolatent.assumptions.choices.design import Design
from geolatent.assumptions.choices.factor import Factor
from geolatent.assumptions.choices.grid import Grid
from geolatent.assumptions.choices.morris import Morris
from geolatent.assumptions.choices.plan import Plan, Step
from geolatent.assumptions.choices.point import Found, Point
from geolatent.assumptions.choices.sensitivity import (
    as_factors,
    read_point,
    sensitivity,
    write_point,
)
from geolatent.assumptions.choices.sensitivity_report import Flip, SensitivityReport
from geolatent.assumptions.choices.sobol import Sobol

__all__ = [
    "Design",
    "Factor",
    "Flip",
    "Found",
    "Grid",
    "Morris",
    "Plan",
    "Point",
    "SensitivityReport",
    "Sobol",
    "Step",
    "as_factors",
    "read_point",
    "sensitivity",
    "write_point",
]
