"""Findings kept in a folder, so that an audit goes on where it stopped."""

import hashlib
import json
import math
from pathlib import Path
from typing import Any, final

import numpy as np
from torch import Tensor

from geolatent.assumptions.assumption import Assumption
from geolatent.assumptions.finding import Finding
from geolatent.assumptions.measurement import Items, Measurement
from geolatent.storage import atomic_write, class_digest, source_digest


@final
class FindingStore:
    """One JSON file for each assumption; those of another subject, claim or code are not read.

    Of an assumption that is in no file, typed into a notebook, nothing is kept. Of one that is, its
    file counts, and what that imports from its own folder.

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
        key = self._key(assumption)
        if key is None or record.get("key") != key:
            return None
        return Finding(
            assumption.claim,
            record["verdict"],
            record["reason"],
            _measurement(record["measurement"]),
            _measurement(record["null"]),
            record["seconds"],
            record["lacking"],
        )

    def write(self, assumption: Assumption, finding: Finding) -> None:
        """Keep a finding."""
        key = self._key(assumption)
        if key is None:
            return
        record = {
            "key": key,
            "verdict": finding.verdict,
            "reason": finding.reason,
            "measurement": _record(finding.measurement),
            "null": _record(finding.null),
            "seconds": finding.seconds,
            "lacking": finding.lacking,
        }
        atomic_write(self._file(assumption), json.dumps(record).encode())

    def _file(self, assumption: Assumption) -> Path:
        return self._directory / f"{assumption.claim.name}.json"

    def _key(self, assumption: Assumption) -> str | None:
        kind = type(assumption)
        code = class_digest(kind)
        if code is None:
            return None
        options = [(name, _exact(value)) for name, value in sorted(vars(assumption).items())]
        said = f"{source_digest()} {code} {self._subject} {kind.__qualname__} {options!r}"
        return hashlib.sha256(said.encode()).hexdigest()


def _exact(value: object) -> object:
    """An option whose `repr` tells it from every other; arrays shorten theirs."""
    if isinstance(value, Tensor):
        value = value.detach().cpu().numpy()
    return (str(value.dtype), value.tolist()) if isinstance(value, np.ndarray) else value


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
