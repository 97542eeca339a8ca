"""How often an audit is wrong, on subjects in which the truth is known."""

from geolatent.calibration.calibrated_simulation import CalibratedSimulation, Rate
from geolatent.calibration.calibration import NOMINAL, Calibration, ClaimCalibration
from geolatent.calibration.embedded import Embedded
from geolatent.calibration.hyperbolic_twin import Pseudosphere, hyperbolic_twin
from geolatent.calibration.imperfect_decoders import (
    Folded,
    Hill,
    Kinked,
    NoisyPlane,
    Undefined,
)
from geolatent.calibration.linear_model import linear_model
from geolatent.calibration.outcome import Outcome
from geolatent.calibration.patch import Patch
from geolatent.calibration.run_simulation import run_simulation
from geolatent.calibration.simulation import Simulation
from geolatent.calibration.simulations import SIMULATED, simulations
from geolatent.calibration.solve import solve

__all__ = [
    "NOMINAL",
    "SIMULATED",
    "CalibratedSimulation",
    "Calibration",
    "ClaimCalibration",
    "Embedded",
    "Folded",
    "Hill",
    "Kinked",
    "NoisyPlane",
    "Outcome",
    "Patch",
    "Pseudosphere",
    "Rate",
    "Simulation",
    "Undefined",
    "hyperbolic_twin",
    "linear_model",
    "run_simulation",
    "simulations",
    "solve",
]
