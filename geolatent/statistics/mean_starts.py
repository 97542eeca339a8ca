"""Where the search for a mean starts from."""

import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.statistics.sample import Sample


def mean_starts(sample: Sample, flat: Float[Tensor, "g d"], count: int) -> Float[Tensor, "s g d"]:
    """The arithmetic mean of each group, and codes of it far from that and from each other.

    Args:
        sample: codes, weights and groups.
        flat: arithmetic means, `(g, d)`.
        count: starts of each group; a group of fewer codes starts from some of them repeatedly.

    Returns:
        Starts, `(s, g, d)`, the arithmetic means first.
    """
    starts = [flat]
    gap = torch.linalg.vector_norm(sample.points - flat[sample.group], dim=1)
    gap = torch.where(sample.weight > 0, gap, -1)
    for _ in range(count - 1):
        chosen = []
        for group in range(sample.count):
            inside = (sample.group == group).nonzero().squeeze(1)
            chosen.append(inside[gap[inside].argmax()])
        centre = sample.points[torch.stack(chosen)]
        starts.append(centre)
        nearer = torch.linalg.vector_norm(sample.points - centre[sample.group], dim=1)
        gap = torch.minimum(gap, nearer)
    return torch.stack(starts)
