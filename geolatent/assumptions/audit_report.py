"""The findings of an audit."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np

from geolatent.assumptions.atlas import Atlas
from geolatent.assumptions.catalogue import catalogue
from geolatent.assumptions.finding import Finding
from geolatent.assumptions.measurement import Measurement
from geolatent.assumptions.readiness import Evidence, Readiness, readiness
from geolatent.storage import atomic_write

if TYPE_CHECKING:
    import pandas as pd

FORMATS = "geolatent.audit_formats"
"""Entry points of this group write reports: functions of a report and a path, named by suffix."""

_SHOWN = 3  # items that fit least
_MARKS = {"holds": "✓", "violated": "✗", "inconclusive": "?", "not-applicable": "–"}


@final
@dataclass(frozen=True)
class AuditReport(Mapping[str, Finding]):
    """Findings by the names of their assumptions.

    Attributes:
        findings: in the order of testing.
        about: what was audited: model, data, numbers of codes and pairs, seed, versions.
        evidence: what the user states beyond the findings.
        atlas: codes and paths to walk through, for pages; none where there are none.
    """

    findings: Mapping[str, Finding]
    about: Mapping[str, Any]
    evidence: Evidence
    atlas: Atlas | None = None

    def __getitem__(self, name: str) -> Finding:
        try:
            return self.findings[name]
        except KeyError:
            raise KeyError(f"{name!r} was not tested; there are {', '.join(self)}.") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    @property
    def readiness(self) -> Readiness:
        """The level that the findings and the evidence reach."""
        expected = {name: known.claim.kind for name, known in catalogue().items()}
        return readiness(self.findings, self.evidence, expected=expected)

    def to_frame(self) -> "pd.DataFrame":
        """A row for each assumption, a column for each number."""
        import pandas as pd  # slow to import

        rows = [
            {
                "assumption": name,
                "kind": finding.claim.kind,
                "verdict": finding.verdict,
                "effect": finding.effect,
                "low": finding.interval[0],
                "high": finding.interval[1],
                "tolerance": str(finding.claim.tolerance),
                "null": None if finding.null is None else finding.null.effect,
                "sample": 0 if finding.measurement is None else finding.measurement.sample,
                "measured": finding.claim.effect,
                "reason": finding.reason,
            }
            for name, finding in self.items()
        ]
        return pd.DataFrame(rows).set_index("assumption")

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "about": dict(self.about),
            "evidence": asdict(self.evidence),
            "readiness": asdict(self.readiness),
            "findings": {name: finding.to_dict() for name, finding in self.items()},
        }

    def to_json(self) -> str:
        """JSON, without NaN."""
        return json.dumps(self.to_dict(), indent=1, allow_nan=False)

    def to_markdown(self) -> str:
        """A table of the verdicts, then each finding in words."""
        lines = [
            "# Audit",
            "",
            f"{str(self.readiness)[0].upper()}{str(self.readiness)[1:]}.",
            "",
            "| assumption | verdict | effect [95 %] | tolerance | affine null [95 %] | sample |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        for name, finding in self.items():
            null = "" if finding.null is None else _numbers(finding.null)
            lines.append(
                f"| {name} | **{finding.verdict}** | {_effect(finding)} | "
                f"{finding.claim.tolerance} | {null} | {_sample(finding)} |"
            )
        for name, finding in self.items():
            lines += ["", f"## {name}: {finding.verdict}", "", finding.claim.sentence, ""]
            lines.append(f"{finding.reason} Measured: {finding.claim.effect}.")
            if finding.remedy:
                lines += ["", finding.remedy]
            lines += _details(finding)
        card = self.about.get("card", {})
        for title, known in (
            ("The model", card),
            ("How this was made", {k: v for k, v in self.about.items() if k != "card"}),
        ):
            if known:
                lines += ["", f"## {title}", ""]
                lines += [f"- {name}: {_one_line(value)}" for name, value in known.items()]
        return "\n".join(lines) + "\n"

    def __str__(self) -> str:
        width = max((len(name) for name in self), default=0)
        wide = max((len(_effect(f)) for f in self.values() if f.measurement), default=0)
        rows = [
            f"{_MARKS[f.verdict]} {name:<{width}}  {f.verdict:<14}  "
            + (f.reason if f.measurement is None else f"{_effect(f):<{wide}}  {f.claim.tolerance}")
            for name, f in self.items()
        ]
        return "\n".join([*rows, str(self.readiness)])

    def save(self, path: str | Path) -> Path:
        """Write the report; its suffix chooses the format.

        `.json` and `.md` are written here, others by the entry points of `geolatent.audit_formats`,
        of which the package brings `.html`: one file that needs no network.

        Raises:
            ValueError: nothing writes such a file.
        """
        path = Path(path)
        suffix = path.suffix.lstrip(".").lower()
        if suffix == "json":
            _write(path, self.to_json() + "\n")
        elif suffix == "md":
            _write(path, self.to_markdown())
        else:
            writers = {point.name: point for point in entry_points(group=FORMATS)}
            if suffix not in writers:
                known = ", ".join(f".{name}" for name in self.formats())
                raise ValueError(f"no report is written to {path.name!r}; choose from {known}.")
            writers[suffix].load()(self, path)
        return path

    @staticmethod
    def formats() -> list[str]:
        """Suffixes that reports can be saved with."""
        return ["json", "md", *sorted(point.name for point in entry_points(group=FORMATS))]


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, text.encode())


def _effect(finding: Finding) -> str:
    if finding.measurement is None:
        return finding.reason
    return _numbers(finding.measurement)


def _numbers(measurement: Measurement) -> str:
    low, high = measurement.interval
    return f"{measurement.effect:.3g} [{low:.3g}, {high:.3g}]"


def _sample(finding: Finding) -> str:
    if finding.measurement is None:
        return ""
    failed = finding.measurement.failed
    return f"{finding.measurement.sample}" + (f", {failed} failed" if failed else "")


def _details(finding: Finding) -> list[str]:
    """Further numbers, and the items that fit the claim least, as a list."""
    if finding.measurement is None:
        return []
    lines = [f"- {name}: {value:.4g}" for name, value in finding.measurement.details.items()]
    if finding.measurement.items is not None:
        worst = finding.measurement.items.against().worst(_SHOWN)
        for codes, value in zip(worst.codes, worst.values, strict=True):
            at = " to ".join(str(np.round(code, 3).tolist()) for code in codes)
            lines.append(f"- fits least: {value:.4g} at {at}")
    return ["", *lines] if lines else []


def _one_line(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {entry}" for name, entry in value.items())
    return " ".join(str(value).split())
