"""Trying a metric at two codes: what has no geometry is refused before anything is computed."""

import re
from collections.abc import Callable, Iterator
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from geolatent.metrics.metric import ImmersedMetric, Metric
from geolatent.metrics.parts_behind import parts_behind
from geolatent.metrics.pullback_metric import PullbackMetric
from geolatent.metrics.unusable_decoder import UnusableDecoder
from geolatent.numerics.out_of_memory import is_out_of_memory

_DEEPEST = 4  # a model in a method in a closure in a metric
_MISFIT = re.compile("dtype|scalar type|device|implemented for", re.IGNORECASE)  # torch's words
# Kernels for one code and for two may round in another order, on a GPU in ten bits.
_MIXED = {"cpu": 1e-4, "other": 1e-2}
_SKEW = 1e-3  # of the largest entry: far more than rounding makes of a symmetric matrix
_ROUNDINGS = 64  # of the largest number: what sums in another order make of the same codes


@final
class Misfit(ValueError):
    """Codes and metric are of different dtypes or on different devices."""


@torch.no_grad()
def try_metric(metric: Metric, codes: Float[Tensor, "m d"], *, name: str = "codes") -> None:
    """Raise unless the metric is a differentiable function of each code alone.

    Its immersion, or its matrix where it has none, is evaluated at the first and the last code
    twice, and once at the first alone.

    Args:
        metric: on codes.
        codes: `(m, d)`, in single or double precision.
        name: of the codes, in messages.

    Raises:
        ValueError: the metric fails on these codes, gives something that does not fit them, or
            what depends on chance, on the other codes of the batch or not on the codes as far as
            autograd sees.
    """
    immersed = isinstance(metric, ImmersedMetric)
    function = metric.immersion if isinstance(metric, ImmersedMetric) else metric.matrix
    pair = codes[[0, -1]] if len(codes) else codes
    subject = _subject(metric)
    try:
        with torch.enable_grad():
            leaf = pair.clone().requires_grad_()
            found, again = function(leaf), function(leaf)
        alone = function(pair[:1])
    except UnusableDecoder:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise _in_words(error, metric, subject, pair, name) from error
    _require_fit(found, pair, subject, name, square=not immersed)
    if not found.numel():
        return
    _require_certain(found.detach(), again.detach(), alone, subject)
    if not immersed:
        _require_symmetric(found.detach(), subject)
    _require_gradient(function, found, leaf, subject)


def kind_of(values: Tensor) -> str:
    """Dtype and device, in words."""
    name = str(values.dtype).removeprefix("torch.")
    return name if values.device.type == "cpu" else f"{name} on {values.device}"


def _is_misfit(error: Exception) -> bool:
    """Whether torch says that dtypes or devices do not meet."""
    return _MISFIT.search(str(error)) is not None


def _in_words(
    error: Exception, metric: Metric, subject: str, codes: Tensor, name: str
) -> ValueError:
    if _is_misfit(error):
        for other in _tensors_behind(metric):
            if kind_of(other) != kind_of(codes):
                return Misfit(
                    f"{name} are {kind_of(codes)}, the decoder's parameters {kind_of(other)}: "
                    f"{_remedy(codes, other)}."
                )
    if "numpy()" in str(error):
        return UnusableDecoder(
            f"the {subject} computes with NumPy, which has no derivatives: write it with torch's "
            "functions."
        )
    lines = str(error).splitlines() or [type(error).__name__]
    return ValueError(
        f"the {subject} cannot take {name} of shape {tuple(codes.shape)}, {kind_of(codes)} "
        f'("{lines[0]}"): give codes of the width that it was made for, (b, d).'
    )


def _require_fit(found: Any, codes: Tensor, subject: str, name: str, *, square: bool) -> None:
    if not isinstance(found, Tensor):
        raise UnusableDecoder(f"the {subject} gives a {type(found).__name__}, not a tensor.")
    if kind_of(found) != kind_of(codes):
        raise Misfit(
            f"{name} are {kind_of(codes)}, but the {subject} returns {kind_of(found)}; it must "
            "keep to the dtype and device of its codes."
        )
    count, size = codes.shape
    expected = (count, size, size) if square else (count, found.shape[-1] if found.ndim else 0)
    if found.shape != expected:
        raise ValueError(
            f"the {subject} gives {tuple(found.shape)} for {count} codes of {size} dimensions; it "
            f"must be {expected if square else '(b, p) for (b, d)'}."
        )


def _require_certain(found: Tensor, again: Tensor, alone: Tensor, subject: str) -> None:
    """Refuse chance, and what the other codes of the batch change."""
    size = float(found.abs().nan_to_num(nan=0.0, posinf=0.0).max())
    slack = _ROUNDINGS * torch.finfo(found.dtype).eps * size
    remedy = "so it has no fixed geometry; call decoder.eval() first, or take what does not."
    if not torch.allclose(found, again, rtol=0, atol=slack, equal_nan=True):
        raise UnusableDecoder(
            f"the {subject} gives two different answers for the same codes, as with dropout in "
            f"training mode or noise that it adds, {remedy}"
        )
    mixed = _MIXED.get(found.device.type, _MIXED["other"])
    if not torch.allclose(found[:1], alone, rtol=0, atol=mixed * size, equal_nan=True):
        raise UnusableDecoder(
            f"what the {subject} makes of a code depends on the other codes of the batch, as with "
            f"batch normalisation in training mode, {remedy}"
        )


def _require_symmetric(found: Float[Tensor, "m d d"], subject: str) -> None:
    size = found.abs().nan_to_num(nan=0.0, posinf=0.0).amax()
    skew = (found - found.mT).abs().nan_to_num(nan=0.0).amax()
    if skew > _SKEW * size:
        raise ValueError(
            f"the {subject} gives a matrix that is not symmetric ({float(skew / size):.2g} of its "
            "largest entry): lengths would see one part of it and curvature another. Give "
            "(G + Gᵀ) / 2."
        )


def _require_gradient(
    function: Callable[[Tensor], Tensor], found: Tensor, leaf: Tensor, subject: str
) -> None:
    """Refuse what changes with the codes, and autograd does not know."""
    if found.requires_grad:
        weight = torch.ones_like(found)
        if torch.autograd.grad(found, leaf, weight, allow_unused=True)[0] is not None:
            return
    code = leaf.detach()[:1]
    here, there = function(torch.cat([code, 2 * code + 1])).nan_to_num()
    if not torch.equal(here, there):
        raise UnusableDecoder(
            f"what the {subject} gives carries no gradient to the codes (it detaches, computes "
            "outside of torch, or all this runs under torch.inference_mode), so it has no "
            "geodesics and no curvature; let gradients pass."
        )


def _subject(metric: Metric) -> str:
    """The decoder of a metric, or the metric itself."""
    if isinstance(metric, PullbackMetric):
        return f"decoder {metric.decoder_name}"
    inner = [part for part in vars(metric).values() if isinstance(part, Metric)]
    return _subject(inner[0]) if inner else f"metric {type(metric).__name__}"


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
