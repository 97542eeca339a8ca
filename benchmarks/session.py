"""A run of the benchmark: cases in, report out."""

import json
import os
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Any, final

import torch
from case import Case
from case_outcome import CaseOutcome, case_outcome
from decoder_cases import DECODERS, decoder_case
from error_plot import error_plot
from growth import CASES as GROWTH_CASES
from growth import Growth, distances, growth
from line_up import line_up
from markdown_report import markdown_report, targets_table
from reference import reference
from spiral_case import SPIRAL, SPIRAL_PAIRS, spiral_case
from surface_cases import SURFACES, surface_case
from targets import Check

import geolatent

_GROUPS = {
    "surfaces": SURFACES,
    "decoders": DECODERS,
    "all": (*SURFACES, *DECODERS, SPIRAL, *GROWTH_CASES),
}


@final
class Session:
    """Runs cases and writes what they showed after each of them.

    Args:
        output: folder of the report; trained decoders and references are kept below it.
        pairs: of codes in each case, except where a decoder is too slow for so many.
        quick: small limits, short training.
        only: words of which a solver's name must contain one; none for all solvers.
    """

    def __init__(self, output: Path, *, pairs: int, quick: bool, only: list[str] | None) -> None:
        self._output, self._pairs, self._quick, self._only = output, pairs, quick, only
        self._kept = output / "kept"
        self._outcomes: list[CaseOutcome] = []
        self._growth: list[Growth] = []
        self._checks: list[Check] = []

    def run(self, names: tuple[str, ...] | list[str]) -> int:
        """Run the cases of these names or groups.

        Returns:
            The exit status: 1 if a target was missed in a full run.

        Raises:
            SystemExit: a name is unknown.
        """
        cases = list(dict.fromkeys(c for name in names for c in _GROUPS.get(name, (name,))))
        unknown = [c for c in cases if c not in _GROUPS["all"]]
        if unknown:
            raise SystemExit(f"unknown case {unknown[0]!r}; there are {', '.join(_GROUPS['all'])}")
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        print(_setting(), flush=True)
        for name in cases:
            print(f"\n{name}", flush=True)
            if name in GROWTH_CASES:
                rows, found = (growth if name == "growth" else distances)(self._kept)
                self._growth += rows
            else:
                outcome = self._outcome(name)
                self._outcomes.append(outcome)
                found = outcome.checks
                self._output.mkdir(parents=True, exist_ok=True)
                error_plot(outcome, self._output / f"error-against-time-{name}.png")
            self._checks += [] if self._quick else found
            self._write()
        if self._checks:
            print("\n" + targets_table(self._checks))
        print(f"\n{self._output / 'geodesics.md'}")
        return int(not all(check.met for check in self._checks))

    def _outcome(self, name: str) -> CaseOutcome:
        case = self._case(name)
        known = reference(case, self._kept)
        solvers = line_up(case, quick=self._quick)
        if self._only:
            words = [word.lower() for word in self._only]
            solvers = [s for s in solvers if any(word in s.name.lower() for word in words)]
        return case_outcome(
            case,
            known,
            solvers,
            repeats=1 if self._quick else 3,
            report=lambda line: print(f"  {line}", flush=True),
        )

    def _case(self, name: str) -> Case:
        if name in SURFACES:
            return surface_case(name, self._pairs)
        if name == SPIRAL:
            return spiral_case(min(self._pairs, SPIRAL_PAIRS))
        return decoder_case(name, self._kept, pairs=self._pairs if self._quick else None)

    def _write(self) -> None:
        self._output.mkdir(parents=True, exist_ok=True)
        text = markdown_report(_setting(), self._outcomes, self._growth, self._checks)
        (self._output / "geodesics.md").write_text(text, encoding="utf-8")
        record: dict[str, Any] = {
            "setting": _setting(),
            "cases": [
                {**asdict(outcome), "results": [r.to_dict() for r in outcome.results]}
                for outcome in self._outcomes
            ],
            "growth": [row._asdict() for row in self._growth],
            "targets": [check._asdict() for check in self._checks],
        }
        (self._output / "geodesics.json").write_text(json.dumps(record, indent=1), encoding="utf-8")


def _setting() -> str:
    return (
        f"geolatent {geolatent.__version__}, torch {torch.__version__}, "
        f"Python {platform.python_version()}, {torch.get_num_threads()} thread(s), "
        f"{os.cpu_count()} cores"
    )
