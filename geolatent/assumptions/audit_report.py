"""The findings of an audit."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from geolatent.assumptions.atlas import Atlas
from geolatent.assumptions.catalogue import catalogue
from geolatent.assumptions.finding import Finding
from geolatent.assumptions.readiness import Evidence, Readiness, readiness
from geolatent.storage import atomic_write

if TYPE_CHECKING:
    import pandas as pd

FORMATS = "geolatent.audit_formats"
"""Entry points of this group write reports: functions of a report and a path, named by suffix."""

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
            "| assumption | verdict | effect [95 %] | tolerance | affine null |",
            "| --- | --- | --- | --- | --- |",
        ]
        for name, finding in self.items():
            null = "" if finding.null is None else f"{finding.null.effect:.3g}"
            lines.append(
                f"| {name} | **{finding.verdict}** | {_effect(finding)} | "
                f"{finding.claim.tolerance} | {null} |"
            )
        for name, finding in self.items():
            lines += ["", f"## {name}: {finding.verdict}", "", finding.claim.sentence, ""]
            lines.append(f"{finding.reason} Measured: {finding.claim.effect}.")
            if finding.remedy:
                lines += ["", finding.remedy]
        if self.about.get("card"):
            lines += ["", "## The model", ""]
            lines += [f"- {name}: {value}" for name, value in self.about["card"].items()]
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
    low, high = finding.interval
    return f"{finding.effect:.3g} [{low:.3g}, {high:.3g}]"
