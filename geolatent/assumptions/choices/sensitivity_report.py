"""What a sensitivity analysis found."""

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, final, get_args

import numpy as np
from jaxtyping import Float

from geolatent.assumptions.choices.design import Design
from geolatent.assumptions.choices.factor import Factor
from geolatent.assumptions.choices.plan import Plan
from geolatent.assumptions.choices.point import Point
from geolatent.assumptions.verdict import Verdict
from geolatent.storage import atomic_write

if TYPE_CHECKING:
    import pandas as pd

NUMBERS, TEXT, TABLE, RUNS = "table.json", "table.md", "table.csv", "runs.csv"
"""The files of `SensitivityReport.save`."""

_BOUNDARY = ("claim", "factor", "from", "to", "pairs", "flips", "reversals", "verdicts")
_FAILED = 0.1  # share of runs beyond which what is left says nothing of the whole space
_DEFINITE = {"holds", "violated"}


@final
@dataclass(frozen=True)
class Flip:
    """Two runs that differ in one choice and in the verdict on a claim.

    Attributes:
        claim: by name.
        factor: the choice.
        levels: of the choice, in the order of the factor's levels.
        verdicts: at these levels.
        settings: the choices that both runs share.
    """

    claim: str
    factor: str
    levels: tuple[Any, Any]
    verdicts: tuple[Verdict, Verdict]
    settings: Mapping[str, Any]

    @property
    def reverses(self) -> bool:
        """Whether both verdicts are definite: one says 'holds', the other 'violated'."""
        return set(self.verdicts) == _DEFINITE


@final
@dataclass(frozen=True)
class SensitivityReport:
    """Runs that differ in their choices, and what their audits found.

    Attributes:
        factors: the choices.
        design: which levels were run together.
        plan: the runs of the design.
        points: a run for each row of the plan; equal rows share one.

    Raises:
        ValueError: no run gave an audit; the message is that of the first.
    """

    factors: tuple[Factor, ...]
    design: Design
    plan: Plan
    points: tuple[Point, ...]

    def __post_init__(self) -> None:
        if not any(point.findings for point in self.points):
            raise ValueError(f"none of the runs gave an audit: {self.points[0].failure}")

    @property
    def claims(self) -> tuple[str, ...]:
        """What was audited in any run."""
        return tuple(dict.fromkeys(name for point in self.runs for name in point.findings))

    @cached_property
    def runs(self) -> tuple[Point, ...]:
        """The distinct runs."""
        rows = [tuple(row) for row in self.plan.levels.tolist()]
        return tuple(dict(zip(rows, self.points, strict=True)).values())

    @property
    def failures(self) -> tuple[Point, ...]:
        """The runs that gave no audit."""
        return tuple(point for point in self.runs if point.failure is not None)

    def known(self) -> tuple[str, ...]:
        """Claims whose sensitivity is known.

        At most one run in ten failed, found the claim not applicable, or had no time to measure
        all of it.
        """
        return tuple(
            claim
            for claim in self.claims
            if sum(claim in run.findings and run.findings[claim].whole for run in self.runs)
            >= (1 - _FAILED) * len(self.runs)
        )

    def effects(self, claim: str) -> Float[np.ndarray, "n"]:
        """The effect in each row of the plan; NaN where there is none."""
        return np.array(
            [p.findings[claim].effect if claim in p.findings else math.nan for p in self.points]
        )

    def steps(self, claim: str, factor: str) -> list[tuple[Point, Point]]:
        """Pairs of runs that differ in one factor, the earlier level first, both with a finding."""
        number = [f.name for f in self.factors].index(factor)
        rows = set()
        for step in self.plan.steps:
            if step.factor == number:
                ends = (step.before, step.after)
                rows.add(tuple(sorted(ends, key=lambda row: self.plan.levels[row, number])))
        pairs = {
            (tuple(self.plan.levels[low]), tuple(self.plan.levels[high])): (low, high)
            for low, high in sorted(rows)
        }
        found = [(self.points[low], self.points[high]) for low, high in pairs.values()]
        return [pair for pair in found if all(claim in point.findings for point in pair)]

    def flips(self, claim: str, factor: str) -> list[Flip]:
        """The pairs of runs that differ in this choice alone, and in their verdict."""
        found = (
            Flip(
                claim,
                factor,
                (low.settings[factor], high.settings[factor]),
                (low.findings[claim].verdict, high.findings[claim].verdict),
                {name: level for name, level in low.settings.items() if name != factor},
            )
            for low, high in self.steps(claim, factor)
        )
        return [flip for flip in found if flip.verdicts[0] != flip.verdicts[1]]

    def boundaries(self) -> "pd.DataFrame":
        """Between which levels verdicts change: a row for each two levels that were compared."""
        import pandas as pd  # slow to import

        rows = []
        for claim, factor in self._cells():
            flips = self.flips(claim, factor.name)
            tried = Counter(
                (low.settings[factor.name], high.settings[factor.name])
                for low, high in self.steps(claim, factor.name)
            )
            for levels, count in tried.items():
                here = [flip for flip in flips if flip.levels == levels]
                said = Counter(" → ".join(flip.verdicts) for flip in here)
                changes = ", ".join(f"{what} ({n})" for what, n in said.most_common())
                reversals = sum(flip.reverses for flip in here)
                rows.append((claim, factor.name, *levels, count, len(here), reversals, changes))
        return pd.DataFrame(rows, columns=list(_BOUNDARY))

    def verdicts(self) -> "pd.DataFrame":
        """The share of runs with each verdict, a row for each claim."""
        import pandas as pd  # slow to import

        rows = []
        for claim in self.claims:
            said = Counter(
                run.findings[claim].verdict if claim in run.findings else "failed"
                for run in self.runs
            )
            names = (*get_args(Verdict), "failed")
            shares = {name: said[name] / len(self.runs) for name in names}
            rows.append({"claim": claim, "runs": len(self.runs), **shares})
        return pd.DataFrame(rows).set_index("claim")

    def to_frame(self) -> "pd.DataFrame":
        """A row for each claim and factor: the design's indices, and how often verdicts change."""
        import pandas as pd  # slow to import

        rows = []
        for claim in self.claims:
            indices = self.design.indices(self.factors, self.plan, self.effects(claim))
            for factor, index in zip(self.factors, indices, strict=True):
                flips = self.flips(claim, factor.name)
                rows.append(
                    {
                        "claim": claim,
                        "factor": factor.name,
                        **index,
                        "pairs": len(self.steps(claim, factor.name)),
                        "flips": len(flips),
                        "reversals": sum(flip.reverses for flip in flips),
                    }
                )
        return pd.DataFrame(rows)

    def runs_frame(self) -> "pd.DataFrame":
        """A row for each run and claim."""
        import pandas as pd  # slow to import

        rows: list[dict[str, Any]] = []
        for run in self.runs:
            settings = dict(run.settings)
            if run.failure is not None:
                rows.append({**settings, "failure": run.failure})
            for claim, found in run.findings.items():
                numbers = {
                    "claim": claim,
                    "verdict": found.verdict,
                    "effect": found.effect,
                    "low": found.interval[0],
                    "high": found.interval[1],
                }
                rows.append({**settings, **numbers, **found.details})
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """For JSON: everything, null for a number that is not finite."""
        options = dict(vars(self.design))
        return {
            "design": {"name": type(self.design).__name__.lower(), **options},
            "factors": {f.name: [str(level) for level in f.levels] for f in self.factors},
            "known": list(self.known()),
            "verdicts": _records(self.verdicts().reset_index()),
            "table": _records(self.to_frame()),
            "boundaries": _records(self.boundaries()),
            "runs": [run.to_dict() for run in self.runs],
        }

    def to_markdown(self) -> str:
        """Tables: shares of verdicts, what each choice moves, and between which levels."""
        shares = self.verdicts().reset_index()
        for column in shares.columns[2:]:
            shares[column] = [f"{share:.0%}" if share else "" for share in shares[column]]
        boundaries = self.boundaries()
        where = boundaries[boundaries["flips"] > 0].drop(columns="reversals")
        design = type(self.design).__name__
        said = f"{design}, {len(self.runs)} runs: " + "; ".join(
            f"{f.name} = {', '.join(map(str, f.levels))}" for f in self.factors
        )
        parts = ["# Sensitivity", said + ".", "## Verdicts", _markdown(shares)]
        parts += ["## What each choice moves", _markdown(_with_errors(self.to_frame()))]
        parts += [
            "`flips` of `pairs` of runs that differ in this choice alone have another verdict"
        ]
        parts[-1] += "; `reversals` of them go from 'holds' to 'violated' or back."
        parts += ["## Between which levels"]
        parts += [_markdown(where) if len(where) else "No verdict changed."]
        if self.failures:
            parts += ["## Runs that failed"]
            parts += ["\n".join(f"- {_said(run)}: {run.failure}" for run in self.failures)]
        return "\n\n".join(parts) + "\n"

    def __str__(self) -> str:
        lines = []
        for claim, row in self.verdicts().iterrows():
            shares = (f"{name} {row[name]:.0%}" for name in row.index[1:] if row[name])
            lines.append(f"{claim}: {', '.join(shares)} of {len(self.runs)} runs")
            frame = self.to_frame()
            for _, cell in frame[(frame["claim"] == claim) & (frame["flips"] > 0)].iterrows():
                lines.append(
                    f"  {cell['factor']}: {cell['flips']} of {cell['pairs']} pairs that differ "
                    f"in it alone flip, {cell['reversals']} from one definite verdict to the other"
                )
        return "\n".join(lines)

    def save(self, folder: str | Path) -> Path:
        """Write table.md, table.json, table.csv and runs.csv into a folder; return it."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        content = json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n"
        atomic_write(folder / NUMBERS, content.encode())
        atomic_write(folder / TEXT, self.to_markdown().encode())
        atomic_write(folder / TABLE, self.to_frame().to_csv(index=False).encode())
        atomic_write(folder / RUNS, self.runs_frame().to_csv(index=False).encode())
        return folder

    def _cells(self) -> Iterator[tuple[str, Factor]]:
        for claim in self.claims:
            for factor in self.factors:
                yield claim, factor


def _said(run: Point) -> str:
    return ", ".join(f"{name}={level}" for name, level in run.settings.items())


def _with_errors(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Numbers in three digits, each index with the half-width of its interval."""
    shown = frame.copy()
    for name in ("mu_star", "S1", "ST"):
        if name not in frame:
            continue
        half = frame.get(f"{name}_conf")
        middle = [f"{x:.3g}" if math.isfinite(x) else "" for x in frame[name]]
        if half is not None:
            middle = [f"{m} ± {h:.2g}" if m else "" for m, h in zip(middle, half, strict=True)]
        shown[name] = middle
    if "sigma" in frame:
        shown["sigma"] = [f"{x:.3g}" if math.isfinite(x) else "" for x in frame["sigma"]]
    return shown.drop(columns=[name for name in shown if str(name).endswith("_conf")])


def _markdown(frame: "pd.DataFrame") -> str:
    rows = [list(map(str, frame.columns)), ["---"] * len(frame.columns)]
    rows += [[str(value) for value in row] for row in frame.itertuples(index=False)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _records(frame: "pd.DataFrame") -> list[dict[str, Any]]:
    """Rows for JSON."""
    records: list[dict[str, Any]] = json.loads(
        frame.to_json(orient="records", double_precision=10, default_handler=str)
    )
    return records
