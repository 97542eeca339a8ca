"""What the numbers say in plain words, and no more than that."""

from collections.abc import Sequence
from typing import Literal

from geolatent.interpolation import Bend, share_interval
from geolatent.report.page import ModelSection

Verdict = Literal["holds", "violated", "inconclusive"]

TOLERATED_SHARE = 0.10
"""Flat is fine while at most one pair in ten bends: a constant, so that no result can move it."""

_VERDICT_WORDS: dict[Verdict, str] = {
    "holds": "flat is fine here",
    "violated": "straight lines are not geodesics here",
    "inconclusive": "undecided",
}

_HEADLINE_WORDS: dict[Verdict, str] = {
    "holds": "flat is fine in",
    "violated": "straight lines are not geodesics in",
    "inconclusive": "undecided for",
}


def verdict(bend: Bend, *, null: Bend | None = None, tolerated: float = TOLERATED_SHARE) -> Verdict:
    """Whether at most a tolerated share of pairs bends.

    The claim holds if the whole 95 % interval of the share is below the tolerated one, is violated
    if the whole interval is above, and is inconclusive otherwise. Pairs that could not be measured
    count against either verdict. Nothing is concluded from a measurement that finds more than the
    tolerated share on a flat decoder.

    Args:
        bend: the summary over pairs.
        null: the same measurement on an affine decoder.
        tolerated: share of pairs, in (0, 1).

    Returns:
        `"holds"`, `"violated"` or `"inconclusive"`.
    """
    if not bend.pairs or (null is not None and not null.share <= tolerated):
        return "inconclusive"
    low, high = share_bounds(bend)
    if high < tolerated:
        return "holds"
    return "violated" if low > tolerated else "inconclusive"


def share_bounds(bend: Bend) -> tuple[float, float]:
    """95 % interval of the share in which failed pairs count as straight below, as bent above."""
    if not bend.failed:
        return bend.share_interval
    bent = round(bend.share * bend.pairs)
    return share_interval(bent, bend.pairs, failed=bend.failed)


def headline(sections: Sequence[ModelSection]) -> str:
    """The verdicts of all models in one sentence."""
    found: dict[Verdict, list[str]] = {}
    for section in sections:
        found.setdefault(verdict(section.bend, null=section.null), []).append(section.name)
    parts = [
        f"{_HEADLINE_WORDS[kind]} {_listed(found[kind])}"
        for kind in ("holds", "violated", "inconclusive")
        if kind in found
    ]
    sentence = "; ".join(parts)
    return sentence[0].upper() + sentence[1:] + "."


def finding(section: ModelSection, *, tolerated: float = TOLERATED_SHARE) -> str:
    """One model's verdict with the effect sizes and intervals that it rests on."""
    bend, null = section.bend, section.null
    kind = verdict(bend, null=null, tolerated=tolerated)
    if not bend.pairs:
        return f"Undecided: none of {bend.failed} pairs could be measured."
    words = _VERDICT_WORDS[kind]
    subject = "they" if kind == "violated" else "straight lines"
    sentences = [
        f"{words[0].upper()}{words[1:]}: {subject} are {_percent(bend.median)} longer than "
        f"geodesics in the median (95% interval {_between(bend.median_interval)}), and "
        f"{bend.share:.0%} of {bend.pairs} random pairs bend by more than "
        f"{bend.threshold:.0%} ({_between(bend.share_interval)}).",
        _reading(bend, kind, tolerated),
    ]
    if bend.failed:
        sentences.append(
            f"{bend.failed} more pairs could not be measured; the verdict allows for their being "
            "either way."
        )
    if null is not None and not null.share <= tolerated:
        sentences.append(
            f"The same measurement finds {null.share:.0%} of pairs bent on a flat decoder, so "
            "that nothing can be concluded from it."
        )
    elif null is not None:
        sentences.append(
            f"On a flat decoder of the same shape the same measurement finds {null.share:.0%} "
            f"(at most {null.share_interval[1]:.0%})."
        )
    return " ".join(sentences)


def _reading(bend: Bend, kind: Verdict, tolerated: float) -> str:
    limit = f"{tolerated:.0%}"
    if kind == "holds":
        return f"The whole interval is below the {limit} that were tolerated beforehand."
    if kind == "inconclusive":
        return f"That does not settle whether it is below the tolerated {limit}: take more pairs."
    low, high = bend.median_interval
    if high < bend.threshold:
        return (
            f"That is more than the tolerated {limit}, but the typical pair bends by less than "
            f"{bend.threshold:.0%}: it is some walks that are affected."
        )
    if low > bend.threshold:
        return f"That is more than the tolerated {limit}, and the typical pair is among them."
    return f"That is more than the tolerated {limit}."


def _percent(value: float) -> str:
    return f"{value:.1%}" if abs(value) < 0.1 else f"{value:.0%}"


def _between(interval: tuple[float, float]) -> str:
    low, high = interval
    return f"{_percent(low)} to {_percent(high)}"


def _listed(names: Sequence[str]) -> str:
    # Names may hold commas themselves.
    return " · ".join(f"“{name}”" for name in names)
