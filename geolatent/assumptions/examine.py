"""From a measurement to a verdict."""

import time

import numpy as np
import torch

from geolatent.assumptions.assumption import Assumption
from geolatent.assumptions.finding import Finding
from geolatent.assumptions.measurement import Measurement, NotApplicable
from geolatent.assumptions.subject import Subject

_MANY_FAILED = 0.05  # share of items: with more data there are as many again
_LOOKED = 100  # items that could not be measured are looked at, at most


@torch.no_grad()
def examine(assumption: Assumption, subject: Subject) -> Finding:
    """Test one assumption on one subject.

    The claim is inconclusive, whatever the interval says, on fewer items than its minimum sample,
    and where the same measurement does not find it true on an affine decoder. A measurement that
    ran out of time is judged by the items that it came to, which are a random part of all.
    """
    began = time.perf_counter()
    claim = assumption.claim
    measured = _measured(assumption, subject)
    if isinstance(measured, NotApplicable):
        return Finding(claim, "not-applicable", measured.reason, lacking=measured.lacking)
    null: Measurement | None = None
    if claim.has_null:
        on_null = _measured(assumption, subject.null())
        null = on_null if isinstance(on_null, Measurement) else None
    seconds = time.perf_counter() - began
    verdict = claim.tolerance.judge(measured.interval)
    reason = _REASONS[verdict]
    if claim.lower_bound and verdict == "holds":
        reason = f"Nothing was found against it: the effect is a lower bound. {reason}"
    if measured.sample < claim.minimum_sample:
        verdict = "inconclusive"
        reason = f"{measured.sample} items could be measured, {claim.minimum_sample} are needed."
        reason += _why(measured, subject)
    elif null is not None and claim.tolerance.judge(null.interval) == "violated":
        verdict = "inconclusive"
        reason = (
            "The same measurement finds the claim violated on an affine decoder, where it is true."
        )
    elif verdict == "inconclusive" and measured.failed > _MANY_FAILED * measured.looked:
        reason = (
            f"{measured.failed} of {measured.looked} items could not be measured. With whatever "
            "they may be, the 95 % interval reaches over the edge of the tolerance."
        )
        reason += _why(measured, subject)
    if measured.cut_short:
        reason = (
            f"{reason} Cut short by the time budget after {measured.come_to} of "
            f"{measured.planned} {measured.counted}."
        )
    if measured.said:
        reason = f"{reason} {measured.said}"
    if null is not None and null.cut_short:
        reason = f"{reason} On the affine decoder there was time for {null.come_to} of them only."
    return Finding(claim, verdict, reason, measured, null, seconds)


def _measured(assumption: Assumption, subject: Subject) -> Measurement | NotApplicable:
    """What it measures; whatever goes wrong there names the assumption."""
    name = assumption.claim.name
    try:
        measured = assumption.measure(subject)
    except Exception as error:
        error.add_note(f"While {name!r} ({type(assumption).__name__}) was measured.")
        raise
    if not isinstance(measured, Measurement | NotApplicable):
        raise TypeError(
            f"{name!r}: measure has to return a Measurement or NotApplicable, got "
            f"{type(measured).__name__}."
        )
    return measured


def _why(measured: Measurement, subject: Subject) -> str:
    """Why items could not be measured, where that is known; begins with a space."""
    items = measured.items
    lost = np.empty((0, 1, 1)) if items is None else items.codes[np.isnan(items.values)][:_LOOKED]
    if not lost.size:
        return ""
    # What lies between the codes of an item counts too.
    looked = np.concatenate([lost, lost.mean(1, keepdims=True)], 1)
    codes = torch.from_numpy(looked.reshape(-1, looked.shape[-1])).to(subject.codes)
    defined = subject.model.decode(codes).flatten(1).isfinite().all(1).view(looked.shape[:2]).all(1)
    if 2 * int(defined.sum()) > len(lost):
        return ""
    return " The decoder gives NaN or infinity at most of those that could not."


_REASONS = {
    "holds": "The whole 95 % interval is inside the tolerance.",
    "violated": "The whole 95 % interval is outside the tolerance.",
    "inconclusive": "The 95 % interval reaches over the edge of the tolerance: more data decide.",
}
