"""Functions of many codes, a bounded number at a time."""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.metrics.metric import ImmersedMetric, Metric
from geolatent.numerics.held_numbers import HELD_AT_ONCE, held_numbers

_FEW = 1024  # evaluations of a decoder, its layers aside, that are held in memory together
_NONE = 8  # evaluations so few that nothing is measured first
_MANY = 8192  # of the smallest decoder
_VALUES = 2**21  # numbers that the decoder's results may fill: 16 MB in float64


def in_chunks(
    metric: Metric,
    function: Callable[..., tuple[Tensor, ...]],
    z: Float[Tensor, "*b d"],
    *vectors: Float[Tensor, "*b d"],
    evaluations: int = 1,
) -> tuple[Tensor, ...]:
    """Apply a function to the codes of a batch in pieces that fit into memory.

    Args:
        metric: what the function evaluates.
        function: of codes `(m, d)` and vectors `(m, d)`, to a tuple of tensors `(m, ...)`, without
            mixing of the batch.
        z: codes, `(*b, d)`.
        *vectors: one for each code, `(*b, d)`.
        evaluations: of the immersion or matrix that one code holds in memory at once.

    Returns:
        The function's results, `(*b, ...)`.
    """
    batch = z.shape[:-1]
    count = math.prod(batch)
    rows = [x.reshape(count, x.shape[-1]) for x in (z, *vectors)]
    at_once = count
    if count * evaluations > _NONE:
        if isinstance(metric, ImmersedMetric):
            # Derivatives go forward beside the values, one column for each dimension.
            each = held_numbers(metric.immersion, rows[0][0]).widest * (rows[0].shape[1] + 1)
        else:
            each = held_numbers(metric.matrix, rows[0][0]).graph
        at_once = min(count, HELD_AT_ONCE // max(1, each * evaluations))
    if count * evaluations > _FEW:
        allowed = _MANY
        if isinstance(metric, ImmersedMetric):
            allowed = min(_MANY, max(_FEW, _VALUES // metric.immersion(rows[0][:1]).shape[-1]))
        at_once = min(at_once, allowed // evaluations)
    pieces = [
        function(*piece) for piece in zip(*(x.split(max(1, at_once)) for x in rows), strict=True)
    ]
    return tuple(
        torch.cat(parts).reshape((*batch, *parts[0].shape[1:]))
        for parts in zip(*pieces, strict=True)
    )
