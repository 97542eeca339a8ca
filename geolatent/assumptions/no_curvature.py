"""Where there is no curvature to speak of."""

from geolatent.assumptions.immersion import Immersion
from geolatent.assumptions.measurement import NotApplicable
from geolatent.assumptions.subject import Subject


def no_curvature(subject: Subject) -> NotApplicable | None:
    """Why nothing can be said of the curvature of a subject; None where something can.

    Whether rank is lost is judged with the default tolerance of `immersion`.
    """
    if subject.codes.shape[1] == 1:
        return NotApplicable("A space of one dimension has no curvature.")
    immersion = Immersion()
    found = immersion.measure(subject)
    if immersion.claim.tolerance.judge(found.interval) != "violated":
        return None
    return NotApplicable(
        f"The decoder ignores a direction at {found.effect:.0%} of the codes (immersion): what "
        "would be found of curvature there is rounding."
    )
