"""How far a model is from being relied on."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import final

from geolatent.assumptions.claim import Kind
from geolatent.assumptions.finding import Finding


@final
@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What an audit cannot see of a model, and its user states.

    Attributes:
        trained: whether it was trained at all.
        converged: whether training had stopped improving.
        unconverged: why that is not shown, where it is not.
        sensitivity: claims whose dependence on unreported choices is known; True for all of them.
        elsewhere: whether the findings were confirmed on data from another source.
    """

    trained: bool = False
    converged: bool = False
    unconverged: str = ""
    sensitivity: bool | tuple[str, ...] = False
    elsewhere: bool = False


@final
@dataclass(frozen=True)
class Readiness:
    """A level on the ladder, after the Technology Readiness Levels, and the way to the next.

    Attributes:
        level: 0 to 8, the last one of which all before are reached too.
        name: of the level.
        missing: what exactly the next level asks for; empty at the top.
    """

    level: int
    name: str
    missing: tuple[str, ...]

    def __str__(self) -> str:
        said = f"readiness {self.level} of {len(LEVELS)}: {self.name}"
        return said if not self.missing else f"{said}; next: {'; '.join(self.missing)}"


LEVELS = (
    "trained",
    "converged",
    "integrity holds",
    "data audited",
    "assumptions tested",
    "reproducible across seeds",
    "sensitivity known",
    "confirmed on data from elsewhere",
)
"""From the first to the last."""

_SEEDS = "seed-stable"
_TESTED: tuple[Kind, ...] = ("geometry", "statistics", "causal")


def readiness(
    findings: Mapping[str, Finding],
    evidence: Evidence,
    *,
    expected: Mapping[str, Kind] = MappingProxyType({}),
) -> Readiness:
    """The level that findings and evidence reach.

    A level of integrity or data wants every applicable claim to hold. 'assumptions tested' wants a
    definite verdict on each geometric, statistical and causal claim, whichever it is: a violated
    assumption that is known can be acted on. A claim that does not apply because the audit was not
    given what it needs is missing.

    Args:
        findings: by name.
        evidence: what the user states.
        expected: claims that have to be among the findings, and their kinds: a level is not reached
            by leaving out what would fail.
    """
    steps = (
        _stated(
            evidence.trained,
            "say that the model was trained (evidence=Evidence(trained=True))",
        ),
        _stated(
            evidence.converged,
            evidence.unconverged
            or "show that training converged (evidence=Evidence(trained=True, converged=True))",
        ),
        *(
            _all_hold(findings, kind) + _left_out(findings, expected, kind)
            for kind in ("integrity", "data")
        ),
        _all_definite(findings) + _left_out(findings, expected, *_TESTED),
        _seed_stable(findings),
        _sensitivity_known(findings, evidence.sensitivity),
        _stated(evidence.elsewhere, "confirm the findings on data from elsewhere"),
    )
    for level, missing in enumerate(steps):
        if missing:
            return Readiness(level, LEVELS[level - 1] if level else "nothing shown yet", missing)
    return Readiness(len(LEVELS), LEVELS[-1], ())


def _left_out(
    findings: Mapping[str, Finding], expected: Mapping[str, Kind], *kinds: Kind
) -> tuple[str, ...]:
    """Claims that were not tested, and those that lacked what they need."""
    untested = [
        f"test {name}"
        for name, kind in expected.items()
        if kind in kinds and name not in findings and name != _SEEDS
    ]
    lacking: dict[str, list[str]] = {}
    for f in findings.values():
        if f.claim.kind in kinds and f.lacking:
            lacking.setdefault(f.lacking, []).append(f.name)
    given = [f"give {what} to test {', '.join(names)}" for what, names in lacking.items()]
    return (*untested, *given)


def _stated(is_so: bool, otherwise: str) -> tuple[str, ...]:
    return () if is_so else (otherwise,)


def _sensitivity_known(
    findings: Mapping[str, Finding], known: bool | tuple[str, ...]
) -> tuple[str, ...]:
    """Of every claim with a definite verdict that a choice could move."""
    if known is True:
        return ()
    unknown = [
        f.name
        for f in findings.values()
        if f.claim.kind in _TESTED
        and f.name != _SEEDS
        and f.verdict in ("holds", "violated")
        and not (known and f.name in known)
    ]
    if not unknown and known:
        return ()
    claims = f" claims=[{','.join(unknown)}]" if unknown else ""
    return (f"run a sensitivity analysis (geolatent sensitivity{claims})",)


def _all_hold(findings: Mapping[str, Finding], kind: Kind) -> tuple[str, ...]:
    of_kind = [f for f in findings.values() if f.claim.kind == kind]
    if not any(f.verdict != "not-applicable" for f in of_kind):
        return (f"test at least one claim of the kind '{kind}'",)
    return tuple(
        f"{f.name} is {f.verdict}" for f in of_kind if f.verdict not in ("holds", "not-applicable")
    )


def _all_definite(findings: Mapping[str, Finding]) -> tuple[str, ...]:
    tested = [
        f
        for f in findings.values()
        if f.claim.kind in _TESTED and f.name != _SEEDS and f.verdict != "not-applicable"
    ]
    if not tested:
        return ("test the assumptions of geometry and statistics",)
    return tuple(f"{f.name} is inconclusive" for f in tested if f.verdict == "inconclusive")


def _seed_stable(findings: Mapping[str, Finding]) -> tuple[str, ...]:
    found = findings.get(_SEEDS)
    if found is None or found.verdict == "not-applicable":
        return ("train the model with other seeds and audit them together (seed-stable)",)
    return () if found.verdict == "holds" else (f"{_SEEDS} is {found.verdict}",)
