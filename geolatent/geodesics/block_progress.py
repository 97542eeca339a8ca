"""A progress bar for long computations in a terminal."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

_PATIENCE = 1.0  # seconds without a bar


def progress_bar(blocks: Sequence[int], *, title: str) -> Iterator[int]:
    """The blocks, one after the other, with a bar on stderr once they have taken a second.

    It writes nothing at all if stderr is a file or a pipe.
    """
    began = time.monotonic()
    bar: Any = None
    task: Any = None
    try:
        for done, block in enumerate(blocks, start=1):
            yield block
            if bar is None and time.monotonic() - began > _PATIENCE:
                bar = _started()
                task = bar.add_task(title, total=len(blocks))
            if bar is not None:
                bar.update(task, completed=done)
    finally:
        if bar is not None:
            bar.stop()


def _started() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Remaining()
    bar = Progress(*columns, console=console, disable=not console.is_terminal)
    bar.start()
    return bar
