"""A limit on CPU time, which neighbours on the machine do not use up."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


class OutOfTime(Exception):
    """The CPU time allowed is spent."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `OutOfTime` in the block after so many CPU seconds of the process.

    Needs POSIX timers and the main thread. It interrupts between two byte codes: a single call
    into a library that takes longer is finished first.
    """

    def stop(*_: object) -> None:
        raise OutOfTime(f"stopped after {seconds:g} s")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, max(seconds, 1e-3))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
