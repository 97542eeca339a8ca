"""Geodesic distances with gradients."""

import warnings
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd import Function
from torch.utils.checkpoint import checkpoint
from typing_extensions import override

from geolatent.geodesics.arc_length import arc_length
from geolatent.geodesics.connect import connect
from geolatent.geodesics.cubic_interpolation import refine
from geolatent.geodesics.pairs import require_pairs
from geolatent.geodesics.path import Path
from geolatent.metrics import ClosedFormGeodesics, Metric
from geolatent.metrics.require_codes import require_codes, require_floating

_LEAST_CHORDS = 64  # extrapolated to order four: 1e-7 of a curve that turns by a right angle
_CODES_AT_ONCE = 4096  # whose decoder activations are alive together


def distance(
    metric: Metric, start: Float[Tensor, "b d"], end: Float[Tensor, "b d"], **options: Any
) -> Float[Tensor, "b"]:
    r"""Geodesic distances, differentiable in both ends and in the metric's parameters.

    .. math:: \frac{∂d}{∂z_1} = \frac{G(z_1)\, \dot γ(1)}{|\dot γ(1)|}, \qquad
        \frac{∂d}{∂z_0} = -\frac{G(z_0)\, \dot γ(0)}{|\dot γ(0)|}, \qquad
        \frac{∂d}{∂θ} = \frac{∂L_θ(γ)}{∂θ}

    A geodesic is stationary, so that its own change does not count: the solver is not
    differentiated (first variation, envelope theorem). Between two equal codes the distance is 0
    and its gradient 0, the subgradient of least norm. First derivatives only.

    A distance is the length of an actual curve and in that sense an upper bound; where the solver
    did not converge it is one still, and its gradient an approximation.

    Args:
        metric: on codes; its closed form is used where it has one.
        start: codes, `(b, d)`.
        end: codes, `(b, d)`.
        **options: of `connect`.

    Returns:
        Distances, `(b,)`. One that could not be computed, because the metric is not finite along
        its curve, is NaN; so is its gradient in both ends, unless nothing depends on it. The
        metric's parameters get no gradient from it.

    Raises:
        ValueError: what `connect` raises.

    Warns:
        RuntimeWarning: some geodesics failed or have not converged. To know which, use `connect`
            and `first_variation`.
    """
    require_floating("start", start)
    require_floating("end", end)
    by_formula = options.get("method", "auto") in ("auto", "closed form")
    if isinstance(metric, ClosedFormGeodesics) and by_formula:
        connect(metric, start[:0].detach(), end[:0].detach(), **options)  # refuses bad options
        require_pairs(start, end)
        return _closed_form(metric, start, end)
    path = connect(metric, start.detach(), end.detach(), **options)
    failed = int(path.length.isnan().sum())
    unfinished = int((~path.converged).sum()) - failed
    if failed or unfinished:
        warnings.warn(
            f"of {len(path)} geodesics {unfinished} have not converged (their lengths are upper "
            f"bounds) and {failed} failed because the metric is not finite on them (NaN).",
            RuntimeWarning,
            stacklevel=2,
        )
    return first_variation(metric, path, start, end)


def first_variation(
    metric: Metric, path: Path, start: Float[Tensor, "b d"], end: Float[Tensor, "b d"]
) -> Float[Tensor, "b"]:
    r"""Lengths of geodesics as differentiable functions of their ends and the metric's parameters.

    .. math:: d(z_0 + u, z_1 + v) = L(γ + (1 - t)\, u + t\, v) + O(|u|^2 + |v|^2)

    The curve is carried along with its ends and its length differentiated. For an exact geodesic
    that is the end tangents alone; for one that is nearly so it is closer than they are.

    Args:
        metric: in which the path is geodesic.
        path: from `connect`, between the same ends.
        start: codes, `(b, d)`, with whatever gradient they carry.
        end: codes, `(b, d)`.

    Returns:
        `path.length`, with the gradients of `distance`.

    Raises:
        ValueError: the path joins other codes, or they do not fit the metric.
    """
    _require_same_ends(path, start, end)
    require_codes(metric, start)
    if not torch.is_grad_enabled():
        return path.length
    failed = path.length.isnan()
    curved = ~failed & (start != end).any(1)
    chosen = curved.nonzero().squeeze(1)
    segments = path.points.shape[1] - 1
    factor = -(-_LEAST_CHORDS // segments)
    factor += factor * segments % 2  # an even number of chords, to halve
    at_once = max(1, _CODES_AT_ONCE // (factor * segments + 1))
    lengths = [
        checkpoint(
            _carried_length,
            metric,
            refine(path.points[rows], factor),
            start[rows],
            end[rows],
            use_reentrant=False,
            preserve_rng_state=False,
        )
        for rows in chosen.split(at_once)
    ]
    surrogate = torch.zeros_like(path.length)
    if lengths:
        surrogate = surrogate.index_put((chosen,), torch.cat(lengths))
    return _FirstDerivative.apply(path.length, surrogate, start, end, failed)


def _require_same_ends(path: Path, start: Tensor, end: Tensor) -> None:
    require_pairs(start.detach(), end.detach())
    if (path.points.dtype, path.points.device) != (start.dtype, start.device):
        raise ValueError(
            f"path is {path.points.dtype} on {path.points.device}, but its ends {start.dtype} on "
            f"{start.device}; pass the codes it was made from."
        )
    expected = torch.stack([start, end], 1).detach()
    ends = path.points[:, [0, -1]]
    # Refinement adds offsets to the start: the end is off by the rounding of one addition.
    slack = 8 * torch.finfo(ends.dtype).eps
    if ends.shape != expected.shape or not torch.allclose(
        ends, expected, rtol=slack, atol=slack * float(expected.abs().amax() if len(path) else 0)
    ):
        raise ValueError("path does not join start to end; pass the codes it was made from.")


def _carried_length(metric: Metric, curve: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """Length of a fixed curve plus straight lines of length zero between its moving ends."""
    t = torch.linspace(0, 1, curve.shape[1], dtype=curve.dtype, device=curve.device).unsqueeze(1)
    first, last = start - start.detach(), end - end.detach()
    return arc_length(metric, curve + torch.lerp(first.unsqueeze(1), last.unsqueeze(1), t))


@final
class _FirstDerivative(Function):
    """Values of one tensor, first derivatives of another, NaN for what failed."""

    @staticmethod
    @override
    def forward(
        ctx: Any, value: Tensor, surrogate: Tensor, start: Tensor, end: Tensor, failed: Tensor
    ) -> Tensor:
        ctx.save_for_backward(failed)
        ctx.dim = start.shape[1]
        return value.clone()

    @staticmethod
    @override
    def backward(ctx: Any, *weights: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():
            raise RuntimeError(
                "geodesic distances have first derivatives only: the geodesic itself is not "
                "differentiated, so call backward without create_graph=True."
            )
        (failed,) = ctx.saved_tensors
        (weight,) = weights
        spoilt = torch.where(failed & (weight != 0), torch.nan, torch.zeros_like(weight))
        ends = spoilt.unsqueeze(1).expand(-1, ctx.dim)
        return None, weight, ends, ends, None  # no surrogate of what failed depends on anything


def _closed_form(metric: ClosedFormGeodesics, start: Tensor, end: Tensor) -> Tensor:
    """The metric's own distance; equal codes, where it may have no slope, are kept out of it."""
    same = (start == end).all(-1)
    apart = torch.where(same.unsqueeze(-1), end.detach() + 1, end)
    return torch.where(same, 0, metric.distance(start, apart))
