"""Findings kept in a folder, so that an audit goes on where it stopped."""

import hashlib
import json
import math
from pathlib import Path
from typing import Any, final

import numpy as np

from geolatent import __version__
from geolatent.assumptions.assumption import Assumption
from geolatent.assumptions.finding import Finding
from geolatent.assumptions.measurement import Items, Measurement
from geolatent.storage import atomic_write


@final
class FindingStore:
    """One JSON file for each assumption; those of another subject or another claim are not read.

    Args:
        directory: made if it is not there.
        subject: the fingerprint of what is audited.
    """

    def __init__(self, directory: str | Path, subject: str) -> None:
        self._directory = Path(directory)
        self._directory.mkdir(parents=True, exist_ok=True)
        self._subject = subject

    def read(self, assumption: Assumption) -> Finding | None:
        """The finding of an earlier audit of the same subject, if there is a whole one."""
        try:
            record = json.loads(self._file(assumption).read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError):
            return None
        if record.get("key") != self._key(assumption):
            return None
        return Finding(
            assumption.claim,
            record["verdict"],
            record["reason"],
            _measurement(record["measurement"]),
            _measurement(record["null"]),
            record["seconds"],
        )

    def write(self, assumption: Assumption, finding: Finding) -> None:
        """Keep a finding."""
        record = {
            "key": self._key(assumption),
            "verdict": finding.verdict,
            "reason": finding.reason,
            "measurement": _record(finding.measurement),
            "null": _record(finding.null),
            "seconds": finding.seconds,
        }
        atomic_write(self._file(assumption), json.dumps(record).encode())

    def _file(self, assumption: Assumption) -> Path:
        return self._directory / f"{assumption.claim.name}.json"

    def _key(self, assumption: Assumption) -> str:
        options = sorted(vars(assumption).items())
        kind = type(assumption)
        said = f"{__version__} {self._subject} {kind.__module__}.{kind.__qualname__} {options!r}"
        return hashlib.sha256(said.encode()).hexdigest()


def _record(measurement: Measurement | None) -> dict[str, Any] | None:
    if measurement is None:
        return None
    items = measurement.items
    return {
        "effect": measurement.effect,
        "interval": list(measurement.interval),
        "sample": measurement.sample,
        "failed": measurement.failed,
        "details": dict(measurement.details),
        "items": None
        if items is None
        else {
            "codes": items.codes.tolist(),
            "values": items.values.tolist(),
            "worse": items.worse,
            "limit": items.limit,
        },
    }


def _measurement(record: dict[str, Any] | None) -> Measurement | None:
    if record is None:
        return None
    items = record["items"]
    low, high = (math.nan if value is None else float(value) for value in record["interval"])
    return Measurement(
        record["effect"],
        (low, high),
        record["sample"],
        record["failed"],
        None
        if items is None
        else Items(
            np.array(items["codes"]), np.array(items["values"]), items["worse"], items["limit"]
        ),
        record["details"],
    )
