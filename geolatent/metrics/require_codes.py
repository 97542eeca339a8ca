"""Whether codes are something that a metric can be evaluated at, and what to do if not."""

import re
from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from geolatent.metrics.metric import ImmersedMetric, Metric
from geolatent.metrics.parts_behind import parts_behind

_DEEPEST = 4  # a model in a method in a closure in a metric
_MISFIT = re.compile("dtype|scalar type|device|implemented for", re.IGNORECASE)  # torch's words


@torch.no_grad()
def require_codes(
    metric: Metric, z: Float[Tensor, "*b d"], *vectors: Float[Tensor, "*b d"], name: str = "codes"
) -> None:
    """Raise unless the metric can be evaluated at the codes: it is, at the first one.

    Args:
        metric: on codes.
        z: codes, `(*b, d)`.
        *vectors: one for each code, `(*b, d)`.
        name: of the codes, in messages.

    Raises:
        TypeError: the metric or the codes are something else.
        ValueError: the codes are not in single or double precision, have no dimensions, do not
            meet the dtype and device of what the metric is made of, or the metric's own result
            does not fit them; or the vectors are not like the codes.
        Exception: what the metric raised for another reason.
    """
    require_metric(metric)
    require_floating(name, z)
    if not z.ndim or not z.shape[-1]:
        raise ValueError(f"{name} must be (…, d) with d at least 1, got {tuple(z.shape)}.")
    for vector in vectors:
        require_floating("vectors", vector)
        if (vector.shape, vector.dtype, vector.device) != (z.shape, z.dtype, z.device):
            raise ValueError(
                f"{name} are {tuple(z.shape)}, {_kind(z)}, but their vectors "
                f"{tuple(vector.shape)}, {_kind(vector)}; they must be alike."
            )
    first = z.detach().reshape(-1, z.shape[-1])[:1]
    immersed = isinstance(metric, ImmersedMetric)
    try:
        found = metric.immersion(first) if isinstance(metric, ImmersedMetric) else None
        found = metric.matrix(first) if found is None else found
    except (RuntimeError, TypeError, NotImplementedError) as error:
        others = (x for x in _tensors_behind(metric) if _kind(x) != _kind(first))
        other = next(others, None) if is_misfit(error) else None
        if other is None:
            raise
        raise ValueError(
            f"{name} are {_kind(first)}, the decoder's parameters {_kind(other)}: "
            f"{_remedy(first, other)}."
        ) from error
    what = "decoder" if immersed else "matrix of the metric"
    if _kind(found) != _kind(first):
        raise ValueError(
            f"{name} are {_kind(first)}, but the {what} returns {_kind(found)}; it must keep to "
            "the dtype and device of its codes."
        )
    shape = (len(first), first.shape[1], first.shape[1])
    if not immersed and found.shape != shape:
        raise ValueError(
            f"the {what} is {tuple(found.shape)} for {len(first)} codes of {shape[1]} dimensions; "
            f"it must be {shape}."
        )


def require_metric(metric: Metric) -> None:
    """Raise `TypeError` unless it is one."""
    if not isinstance(metric, Metric):
        raise TypeError(
            f"expected a metric, got {type(metric).__name__}: wrap a decoder in PullbackMetric, or "
            "take induced_metric() of a model."
        )


def is_misfit(error: Exception) -> bool:
    """Whether torch says that dtypes or devices do not meet."""
    return _MISFIT.search(str(error)) is not None


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


def _kind(values: Tensor) -> str:
    name = str(values.dtype).removeprefix("torch.")
    return name if values.device.type == "cpu" else f"{name} on {values.device}"


def _remedy(codes: Tensor, other: Tensor) -> str:
    if codes.device != other.device:
        return f"decoder.to({str(codes.device)!r}) or codes.to({str(other.device)!r})"
    method = {torch.float32: "float", torch.float64: "double"}
    remedy = f"decoder.{method[codes.dtype]}()"
    return f"{remedy} or codes.{method[other.dtype]}()" if other.dtype in method else remedy


def _tensors_behind(thing: Any, depth: int = _DEEPEST) -> Iterator[Tensor]:
    """The floating-point tensors that an object is made of, as far as seen."""
    if isinstance(thing, Tensor):
        if thing.is_floating_point():
            yield thing
        return
    parts: list[object] = []
    if isinstance(thing, nn.Module):
        parts = [*thing.parameters(), *thing.buffers()]
    elif isinstance(thing, list | tuple):
        parts = list(thing)
    elif isinstance(thing, Metric):
        parts = list(vars(thing).values())
    elif callable(thing):
        parts = parts_behind(thing)
    if depth:
        for part in parts:
            yield from _tensors_behind(part, depth - 1)
