"""The most memory that the process held during a call, above what it held before."""

from collections.abc import Callable
from pathlib import Path


def peak_memory(call: Callable[[], object]) -> float | None:
    """Megabytes that the call added at its peak; none where the system does not tell (Linux)."""
    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    try:
        reset.write_text("5")  # the peak starts again from what is held now
        before = _megabytes(status, "VmRSS")
        call()
        return max(0.0, _megabytes(status, "VmHWM") - before)
    except OSError:
        return None


def _megabytes(status: Path, key: str) -> float:
    line = next(line for line in status.read_text().splitlines() if line.startswith(key))
    return int(line.split()[1]) / 1024
