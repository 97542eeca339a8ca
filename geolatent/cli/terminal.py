"""Tables on a terminal and in a pipe."""

from rich.console import Console
from rich.table import Table


def print_table(table: Table) -> None:
    """Print a table in full: names and numbers that are cut off cannot be copied."""
    console = Console()
    unlimited = console.options.update(max_width=10_000)
    console.width = max(console.width, console.measure(table, options=unlimited).maximum)
    console.print(table, soft_wrap=True)
