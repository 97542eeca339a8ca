"""Curves of minimal energy, from coarse to fine."""

import warnings
from collections.abc import Sequence
from dataclasses import fields, replace

import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.geodesics.cubic_interpolation import refine
from geolatent.geodesics.curve_energy import CurveEnergy, curve_energy
from geolatent.geodesics.initialisation import Initialisation, StraightLine
from geolatent.geodesics.measure import measured, straight_points
from geolatent.geodesics.natural_units import NaturalUnits, natural_units
from geolatent.geodesics.path import Path
from geolatent.geodesics.quasi_newton import Minimum, minimise
from geolatent.geodesics.require_options import require_count
from geolatent.metrics import Metric, ReducibleMetric
from geolatent.metrics.raised_index import regular

_COARSEST = 4  # segments; fewer have no interior for a not-a-knot spline to bend
_CHOICE = 8  # segments at which several initial curves compete: enough to go around a hole
_SINGLE = 32  # segments of a result in float32: what they leave is of the order of rounding
_DOUBLE = 64
_NEGATIVE = 1e-3  # of the largest squared length: beyond what rounding makes of a lost direction
_LOOKS = 8  # parts of a curve between which its rank is looked at
_MATRIX_NUMBERS = 2**24  # in the blocks on one diagonal, of which there are some four: 0.5 GB
_COARSE_TOLERANCE = 1e-3  # a coarse level only has to place its curve near the finest one's
_COARSE_ITERATIONS = 30


def energy_minimum(
    metric: Metric,
    start: Float[Tensor, "b d"],
    end: Float[Tensor, "b d"],
    *,
    initialisations: Sequence[Initialisation] = (StraightLine(),),
    segments: int | None = None,
    tolerance: float | None = None,
    max_iterations: int = 100,
) -> Path:
    """Curves of locally minimal energy; see `connect` for what the arguments mean."""
    segments = result_segments(start.dtype, segments)
    if tolerance is None:
        tolerance = 1e-10 if is_double(start.dtype) else 1e-5
    if isinstance(metric, ReducibleMetric):
        metric = metric.reduced()
    ends = torch.stack([start, (start + end) / 2, end], dim=1)
    units = natural_units(metric, ends)
    scaled = units.metric(metric)
    energy = curve_energy(scaled)
    if len(initialisations) == 1 and isinstance(initialisations[0], StraightLine):
        nodes = straight_points(units.of_codes(start), units.of_codes(end), _COARSEST)
    else:
        first = min(_CHOICE, segments)
        starts = [units.of_codes(i(metric, start, end, first)) for i in initialisations]
        nodes = _best_start(energy, starts, tolerance)
    coarser = None
    while nodes.shape[1] - 1 < segments:
        coarser = _coarse(energy, nodes, tolerance)
        # From 8 segments on the curve is in the right valley: a level between two is time lost.
        count = coarser.nodes.shape[1] - 1
        nodes = refine(coarser.nodes, 2 if count < _CHOICE else min(4, segments // count))
    level = _minimum(energy, nodes, tolerance=tolerance, max_iterations=max_iterations)
    unknown = torch.full_like(level.energy, torch.nan)
    change = _relative_change(level.energy, coarser.energy if coarser else unknown)
    path = measured(
        scaled,
        level.nodes,
        converged=level.converged,
        iterations=level.iterations,
        refinement_change=change,
    )
    path = _no_longer_than_straight(scaled, path)
    _warn_where_flattened(scaled, path, units)
    return units.undone(path)


def result_segments(dtype: torch.dtype, segments: int | None) -> int:
    """How many segments a result has: those asked for, or what the dtype deserves."""
    if segments is None:
        return _DOUBLE if is_double(dtype) else _SINGLE
    require_count(segments=segments)
    ratio, rest = divmod(segments, _COARSEST)
    if rest or not ratio or ratio & (ratio - 1):
        raise ValueError(f"segments must be 4 times a power of two, got {segments}.")
    return segments


def is_double(dtype: torch.dtype) -> bool:
    """Whether its rounding is far below that of float32."""
    return torch.finfo(dtype).eps < 1e-10


def _warn_where_flattened(metric: Metric, path: Path, units: NaturalUnits) -> None:
    """Say where the metric is rank-deficient, looking at a few codes along each curve."""
    step = max(1, (path.points.shape[1] - 1) // _LOOKS)
    codes = path.points[:, step:-1:step]
    lost = ~regular(metric, codes) & path.length.isfinite().unsqueeze(1)
    flattened = lost.any(1).nonzero().squeeze(1)
    if len(flattened):
        first = int(flattened[0])
        code = codes[first, int(lost[first].nonzero()[0])]
        squares = torch.linalg.eigvalsh(metric.matrix(code[None]).double())[0]
        what, so = (
            ("rank-deficient", "there are directions that the decoder ignores. Lengths hold, but")
            if squares[0] >= -_NEGATIVE * squares.abs().max()
            else (
                "not positive",
                "there are directions of negative squared length. There are no lengths,",
            )
        )
        warnings.warn(
            f"the metric is {what} along {len(flattened)} of {len(path)} curves, the first is "
            f"curve {first} at z = {_shown(units.to_codes(code))}: {so} geodesics are not unique, "
            "and there is no logarithm or curvature.",
            stacklevel=5,  # who called `connect`
        )


def _shown(code: Tensor) -> str:
    numbers = [f"{x:.4g}" for x in code[:4].tolist()]
    return f"({', '.join(numbers)}{', …' if len(code) > 4 else ''})"


def _minimum(
    energy: CurveEnergy, nodes: Tensor, *, tolerance: float, max_iterations: int
) -> Minimum:
    """Of as many curves at once as their Gauss-Newton matrices fit into memory."""
    curves = max(1, _MATRIX_NUMBERS // (nodes.shape[1] * nodes.shape[2] ** 2))
    parts = [
        minimise(energy, part, tolerance=tolerance, max_iterations=max_iterations)
        for part in nodes.split(curves)
    ]
    return parts[0] if len(parts) == 1 else Minimum(*map(torch.cat, zip(*parts, strict=True)))


def _coarse(energy: CurveEnergy, nodes: Tensor, tolerance: float) -> Minimum:
    return _minimum(
        energy,
        nodes,
        tolerance=max(tolerance, _COARSE_TOLERANCE),
        max_iterations=_COARSE_ITERATIONS,
    )


def _best_start(energy: CurveEnergy, starts: list[Tensor], tolerance: float) -> Tensor:
    """For each pair the nodes of least energy among the minima that the starts lead to."""
    minima = [_coarse(energy, nodes, tolerance) for nodes in starts]
    energies = torch.stack([minimum.energy for minimum in minima]).nan_to_num(nan=torch.inf)
    nodes = torch.stack([minimum.nodes for minimum in minima])
    return nodes[energies.argmin(0), torch.arange(nodes.shape[1], device=nodes.device)]


def _relative_change(new: Tensor, old: Tensor) -> Tensor:
    length, previous = new.sqrt(), old.sqrt()
    return (length - previous).abs() / torch.where(length != 0, length, 1)


def _no_longer_than_straight(metric: Metric, path: Path) -> Path:
    """No length above that of the straight line.

    Where the two agree to half of the dtype's digits, or within the errors of their lengths, the
    difference is the rounding of a decoder whose values are large beside their changes: the curve
    stays, with its constant speed, and takes the lesser length. Beyond that the solver has failed:
    the straight line takes its place, and is not converged.
    """
    excess = path.length - path.straight_length
    if not bool((excess > 0).any()):
        return path
    slack = torch.finfo(path.length.dtype).eps ** 0.5 * path.straight_length
    failed = (excess > slack + 2 * path.length_error).nonzero().squeeze(1)
    length = torch.where(excess > 0, path.straight_length, path.length)
    path = replace(path, length=length, energy=torch.maximum(path.energy, length.square()))
    if not len(failed):
        return path
    bent = path[failed]
    straight = measured(
        metric,
        straight_points(bent.points[:, 0], bent.points[:, -1], bent.points.shape[1] - 1),
        converged=torch.zeros_like(bent.converged),
        iterations=bent.iterations,
        refinement_change=bent.refinement_change,
    )
    # Measured once more in another batch, the same line differs from itself by rounding.
    straight = replace(straight, straight_length=straight.length)
    rows = {field.name: getattr(path, field.name).clone() for field in fields(Path)}
    for name, values in rows.items():
        values[failed] = getattr(straight, name)
    return Path(**rows)
