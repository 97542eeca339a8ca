"""A table of numbers from a .csv file."""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np


def read_csv(
    path: Path, *, label: str | None, drop: Sequence[str], header: bool, separator: str
) -> tuple[np.ndarray, np.ndarray | None, tuple[str, ...]]:
    """Read a .csv file whose columns are numbers, except for that with the label.

    Args:
        path: the file.
        label: name of the column with the labels, or None; without header the columns are called
            '0', '1', and so on.
        drop: names of the columns to leave out.
        header: whether the first line names the columns.
        separator: what separates the columns.

    Returns:
        The numbers, shape (n, p), the labels or None, and the names of the p columns.

    Raises:
        ValueError: the file is no table, a column is missing, nameless or not numeric, or the first
            line is not what `header` says.
    """
    import pandas  # slow to import

    try:
        table = pandas.read_csv(path, header=0 if header else None, sep=separator)
    except (pandas.errors.EmptyDataError, pandas.errors.ParserError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path} cannot be read as a table separated by {separator!r}: {error}. It may be "
            "truncated, or have another separator (separator=...)."
        ) from error
    table.columns = table.columns.map(str)
    names = list(table.columns)
    if header and all(_is_number(name) for name in names):
        raise ValueError(
            f"{path}: the first line holds numbers ({', '.join(names[:3])}, ...) where the names "
            "of the columns are expected. Pass header=False if there are none."
        )
    _check_columns(path, names, label, drop)
    features = table.drop(columns=[*drop, *([] if label is None else [label])])
    nameless = [name for name in features.columns if name.startswith("Unnamed: ")]
    if nameless:
        raise ValueError(
            f"{path}: column {nameless[0]!r} has no name and is probably the row number of another "
            f"program, not a measurement. Leave it out with drop={nameless}, or name it."
        )
    text = features.select_dtypes(exclude=["number", "bool"])
    if len(text.columns):
        shown = ", ".join(f"{name!r} ({_offender(text[name])})" for name in text.columns[:5])
        raise ValueError(
            f"{path}: {len(text.columns)} columns are not numeric: {shown}. Leave them out with "
            f"drop={list(text.columns)}, use one as label=..., or convert them to numbers."
        )
    labels = None if label is None else table[label].to_numpy()
    return features.to_numpy(dtype=np.float64), labels, tuple(features.columns)


def _check_columns(path: Path, names: list[str], label: str | None, drop: Sequence[str]) -> None:
    """Raise if a column that is asked for is not there."""
    for option, wanted in [("label", label), *(("drop", name) for name in drop)]:
        if wanted is not None and wanted not in names:
            near = get_close_matches(wanted, names, n=1)
            hint = f"Did you mean {near[0]!r}? " if near else ""
            raise ValueError(
                f"{path}: there is no column {wanted!r} ({option}). {hint}Columns: {names[:20]}."
            )


def _is_number(text: str) -> bool:
    """Whether a text reads as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _offender(column: Any) -> str:
    """The first entry of a column that is not a number, with its row."""
    for row, entry in enumerate(column):
        if entry == entry and not _is_number(str(entry)):
            return f"row {row}: {str(entry)[:30]!r}"
    return f"dtype {column.dtype}"
