"""A run and the paths in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geolatent.cli.interpolate import PairComparison
from geolatent.cli.train import TrainedRun


@dataclass(frozen=True)
class ComparedRun:
    """A finished run and the paths in it.

    Attributes:
        name: of the experiment.
        run: the run.
        pairs: the paths between codes of random pairs.
        figures: files by what they show.
        seconds: for all of it.
    """

    name: str
    run: TrainedRun
    pairs: PairComparison
    figures: Mapping[str, Path]
    seconds: float

    @property
    def title(self) -> str:
        """What the model is called."""
        return str(self.run.cfg.about.name)

    def numbers(self) -> dict[str, Any]:
        """All that was measured."""
        return {
            "metrics": self.run.metrics,
            "interpolation": self.pairs.summary(),
            "seconds": round(self.seconds, 2),
        }
