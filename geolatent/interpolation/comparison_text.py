"""A comparison in words and numbers, for reading."""

import math
import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from geolatent.interpolation.paired_effect import TOLERATED_SHARE
from geolatent.interpolation.path_measure import MEASURES
from geolatent.interpolation.share_interval import share_interval

if TYPE_CHECKING:
    import pandas as pd

PATH_TITLES: Mapping[str, str] = {
    "linear": "straight line",
    "spherical": "slerp",
    "assumed": "declared geodesic",
    "geodesic": "geodesic",
    "density": "density geodesic",
    "graph": "data graph",
}
"""What the paths are called in tables and figures; others go by their own names."""

_WIDTH = 100
_COLUMNS = ("median", "difference [95 % interval]", "d_z", "more than", "pairs beyond", "")
_WIDTHS = (31, 8, 27, 7, 11, 16)


def comparison_text(
    effects: "pd.DataFrame",
    *,
    reference: str,
    pairs: int,
    left_out: Mapping[str, str],
    unmeasured: Mapping[str, int],
    shared_codes: int,
) -> str:
    """The summary of a comparison: a headline, a table for each path, what was left out.

    Args:
        effects: of `Comparison.effects`.
        reference: the path that the others are compared with.
        pairs: how many there are.
        left_out: what could not be measured, and why.
        unmeasured: why pairs could not be, and how many.
        shared_codes: that are in several pairs.
    """
    rows = effects.to_dict(orient="records")
    blocks = [_headline(rows, reference), _pairs(pairs, unmeasured, shared_codes)]
    names = list(dict.fromkeys(row["path"] for row in rows))
    if names:
        blocks.append(
            f"{pairs} pairs, each path against the {_title(reference)} of the same pair: the "
            "median difference, the paired\neffect size d_z, and how many pairs differ by more "
            "than what matters; 95 % intervals in brackets"
        )
    else:
        blocks.append(f"{pairs} pairs, one kind of path ({_title(reference)}): nothing to compare.")
    for name in names:
        own = [row for row in rows if row["path"] == name]
        if all(_nothing(row) for row in own):
            blocks.append(f"{_title(name)}: no difference in any measure on any pair")
            continue
        blocks.append("\n".join([_row((_title(name), *_COLUMNS)), *(_row(_cells(r)) for r in own)]))
    if left_out:
        reasons = "; ".join(f"{what} ({why})" for what, why in left_out.items())
        blocks.append(textwrap.fill(f"Not measured: {reasons}.", _WIDTH))
    return "\n\n".join(block for block in blocks if block)


def _title(name: str) -> str:
    return PATH_TITLES.get(name, name)


def _headline(rows: list[dict[str, Any]], reference: str) -> str:
    """Whether flat is fine, if geodesics were compared with straight lines."""
    found = [row for row in rows if row["path"] == "geodesic" and row["measure"] == "length"]
    if reference != "linear" or not found:
        return ""
    (row,) = found
    tolerated = f"{TOLERATED_SHARE:.0%}"
    if not row["pairs"]:
        return f"Undecided: none of {row['failed']} pairs could be measured."
    median, low, high = (_longer(row[key]) for key in ("difference", "high", "low"))
    measured = (
        f"the straight line is more than {row['matters']:.0%} longer than the geodesic for "
        f"{row['share']:.0%} of {row['pairs']} pairs ({_share_interval(row)}) and {median} "
        f"longer in the median ({low} to {high})"
    )
    if row.get("null_share", 0.0) > TOLERATED_SHARE:
        text = (
            f"Nothing can be concluded: {measured}, but so it is for {row['null_share']:.0%} on an "
            "affine decoder, where nothing bends."
        )
    elif row["verdict"] == "same":
        text = f"Flat is fine here: {measured}. At most {tolerated} of pairs were tolerated."
    elif row["verdict"] == "differs":
        text = (
            f"Straight lines are not geodesics here: {measured}. At most {tolerated} of pairs were "
            "tolerated."
        )
    else:
        text = (
            f"Undecided: {measured}. That does not settle whether it is at most {tolerated} of "
            "pairs: take more pairs."
        )
    if row["failed"]:
        text += f" {row['failed']} more pairs could not be measured."
    if not math.isnan(row.get("null_difference", math.nan)):
        text += (
            f" On the affine decoder nearest to this one it is {row['null_share']:.0%} of pairs "
            f"and {_longer(row['null_difference'])} in the median."
        )
    return textwrap.fill(text, _WIDTH)


def _share_interval(row: dict[str, Any]) -> str:
    """The interval that the verdict is from: pairs that failed may be either."""
    failed = row["failed"]
    count = round(row["share"] * row["pairs"])
    low, high = share_interval(count, row["pairs"], failed=failed)
    either = ", those that failed being either" if failed else ""
    return f"95 % interval {low:.0%} to {high:.0%}{either}"


def _pairs(pairs: int, unmeasured: Mapping[str, int], shared_codes: int) -> str:
    """What to know of the pairs before reading their numbers."""
    text = ""
    if unmeasured:
        reasons = "; ".join(f"{count} ({why})" for why, count in unmeasured.items())
        text = f"Not measured on every path, of {pairs} pairs: {reasons}. "
    if shared_codes:
        text += (
            f"Codes that are in several pairs: {shared_codes}. Intervals take pairs to be "
            "independent and are too narrow then."
        )
    return textwrap.fill(text, _WIDTH)


def _longer(change: float) -> str:
    """How much longer the straight line is, where the geodesic's length changes by so much."""
    return f"{max(0.0, -change / (1 + change)):.1%}"


def _nothing(row: dict[str, Any]) -> bool:
    """Whether no pair differs by more than rounding; with none measured or some failed, no."""
    return bool(row["pairs"]) and not row["failed"] and row["d_z"] == 0 and row["share"] == 0


def _row(cells: tuple[str, ...]) -> str:
    first, *middle, last = cells
    text = f"{first:<{_WIDTHS[0]}}"
    for cell, width in zip(middle, _WIDTHS[1:], strict=True):
        text += f"{cell:>{width}}"
    return f"{text}  {last}".rstrip()


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    ratio, unit = row["unit"] == "ratio", row["unit"]
    title = "  " + MEASURES[row["measure"]].title + ("" if ratio or not unit else f" ({unit})")
    if not row["pairs"]:
        return (title, *[""] * 5, f"none of {row['failed']} pairs measured")
    verdict = row["verdict"] + (f", {row['failed']} failed" if row["failed"] else "")
    difference, low, high = (_signed(row[key], ratio) for key in ("difference", "low", "high"))
    return (
        title,
        _number(row["path_median"]),
        f"{difference} [{low}, {high}]",
        _signed(round(row["d_z"], 2), False),
        f"{row['matters']:.0%}" if ratio else f"{row['matters']:g}",
        f"{row['share']:.0%} [{row['share_low']:.0%}, {row['share_high']:.0%}]",
        verdict,
    )


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


def _signed(value: float, percent: bool) -> str:
    if math.isnan(value):  # one pair has no deviation
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    text = f"{value:+.1%}" if percent else f"{value:+.2g}" if abs(value) < 100 else f"{value:+.0f}"
    return text.replace("-", "−")
