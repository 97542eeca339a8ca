"""Whether codes are something that a metric can be evaluated at, and what to do if not."""

import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.metrics.metric import Metric
from geolatent.metrics.try_metric import kind_of, try_metric


def require_codes(
    metric: Metric, z: Float[Tensor, "*b d"], *vectors: Float[Tensor, "*b d"], name: str = "codes"
) -> None:
    """Raise unless the metric can be evaluated at the codes: it is, at the first and the last.

    Args:
        metric: on codes.
        z: codes, `(*b, d)`.
        *vectors: one for each code, `(*b, d)`.
        name: of the codes, in messages.

    Raises:
        TypeError: the metric or the codes are something else.
        ValueError: the codes are not in single or double precision, have no dimensions, do not
            meet the dtype and device of what the metric is made of, or the vectors are not like
            the codes; or the metric or its decoder refuses them, gives what does not fit them, no
            gradient, or another answer each time (`try_metric`).
    """
    require_metric(metric)
    require_floating(name, z)
    if not z.ndim or not z.shape[-1]:
        raise ValueError(f"{name} must be (…, d) with d at least 1, got {tuple(z.shape)}.")
    for vector in vectors:
        require_floating("vectors", vector)
        if (vector.shape, vector.dtype, vector.device) != (z.shape, z.dtype, z.device):
            raise ValueError(
                f"{name} are {tuple(z.shape)}, {kind_of(z)}, but their vectors "
                f"{tuple(vector.shape)}, {kind_of(vector)}; they must be alike."
            )
    try_metric(metric, z.detach().reshape(-1, z.shape[-1]), name=name)


def require_metric(metric: Metric) -> None:
    """Raise `TypeError` unless it is one."""
    if not isinstance(metric, Metric):
        raise TypeError(
            f"expected a metric, got {type(metric).__name__}: wrap a decoder in PullbackMetric, or "
            "take induced_metric() of a model."
        )


def require_floating(name: str, values: Tensor) -> None:
    """Raise unless the values are a tensor in single or double precision."""
    if not isinstance(values, Tensor):
        raise TypeError(
            f"{name} must be a tensor, got {type(values).__name__}: torch.as_tensor({name})."
        )
    if values.dtype not in (torch.float32, torch.float64):
        reason = "cannot tell neighbouring codes apart" if values.is_floating_point() else "is none"
        raise ValueError(
            f"{name} must be floating point in single or double precision, and {values.dtype} "
            f"{reason}: {name}.float() or {name}.double()."
        )
