"""Learning rates that fall where the loss does not."""

import math
from collections.abc import Iterable

PLATEAU_FACTOR = 0.1
"""What a learning rate is multiplied by on a plateau."""

_THRESHOLD = 1e-4  # relative decrease that counts as one: torch's own default


def plateaus(losses: Iterable[float], *, patience: int) -> int:
    """How many plateaus a course of losses has had.

    One is over `patience + 1` epochs in a row without a new minimum, lower than the last by more
    than 1e-4 of its size; the count of epochs then begins anew. It is the rule of torch's
    `ReduceLROnPlateau`, which for negative losses asks for no decrease at all. Worked out from the
    whole course, so that a run that is resumed needs no state for it.

    Args:
        losses: one for each epoch so far.
        patience: epochs without a new minimum that are tolerated.
    """
    best, waited, count = math.inf, 0, 0
    for loss in losses:
        # Not best − 1e-4 |best| alone: of the first loss that would be inf − inf.
        if best == math.inf or loss < best - _THRESHOLD * abs(best):
            best, waited = loss, 0
        else:
            waited += 1
        if waited > patience:
            waited, count = 0, count + 1
    return count
