"""One training loop for every model, with exact resume."""

from geolatent.training.callback import Callback
from geolatent.training.checkpoint_file import load_checkpoint, load_weights, save_checkpoint
from geolatent.training.checkpoints import Checkpoints
from geolatent.training.convergence import Convergence, convergence
from geolatent.training.csv_log import CsvLog
from geolatent.training.epoch_record import EpochRecord
from geolatent.training.evaluate import Evaluation, evaluate
from geolatent.training.fit import fit
from geolatent.training.fit_result import FitResult, StageResult
from geolatent.training.negative_kl_error import NegativeKlError
from geolatent.training.non_finite_error import NonFiniteError
from geolatent.training.progress import Progress
from geolatent.training.snapshot import Snapshot
from geolatent.training.training_config import TrainingConfig
from geolatent.training.training_run import TrainingRun

__all__ = [
    "Callback",
    "Checkpoints",
    "Convergence",
    "CsvLog",
    "EpochRecord",
    "Evaluation",
    "FitResult",
    "NegativeKlError",
    "NonFiniteError",
    "Progress",
    "Snapshot",
    "StageResult",
    "TrainingConfig",
    "TrainingRun",
    "convergence",
    "evaluate",
    "fit",
    "load_checkpoint",
    "load_weights",
    "save_checkpoint",
]
