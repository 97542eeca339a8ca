"""How far out hyperbolic coordinates go (Mishne et al. 2023)."""

import math
from typing import final

import torch
from typing_extensions import override

from geolatent.cli.published.hyperbolic_coordinates import (
    GeooptLorentz,
    GeooptPoincare,
    HyperbolicCoordinates,
    OwnCoordinates,
    TextbookLorentz,
    TextbookPoincare,
)
from geolatent.cli.published.published_experiment import PublishedExperiment, Request
from geolatent.cli.published.published_table import Condition, PublishedTable
from geolatent.cli.published.radius_sweep import (
    LARGEST,
    STEP,
    TOLERANCE,
    RadiusLimits,
    distance_error,
    radius_limits,
)
from geolatent.cli.published.table_entry import Reference, TableEntry
from geolatent.latents import LatentSpace, RiemannianNormalSpace, WrappedNormalSpace, monitor
from geolatent.manifolds import Lorentz, PoincareBall

_DTYPES = (torch.float32, torch.float64)
_REFERENCE = {
    ("Poincaré", torch.float32): 18.0,
    ("Poincaré", torch.float64): 38.0,
    ("Lorentz", torch.float32): 8.45,
    ("Lorentz", torch.float64): 19.0,
}
_GEOOPT_CLIPPING = {torch.float32: 6.21, torch.float64: 12.21}
_WARNING_STEP = 0.1


@final
class LimitsMishne2023(PublishedExperiment):
    """How far out do points survive, and are we told before they do not?

    References:
        Mishne, G. et al. (2023). The numerical stability of hyperbolic representation learning.
        arXiv 2211.00181.
    """

    @override
    def make(self, request: Request) -> PublishedTable:
        entries: list[TableEntry] = []
        conditions: list[Condition] = []
        for coordinates in _coordinates():
            for dtype in _DTYPES:
                row = f"{coordinates.name}, {str(dtype).removeprefix('torch.')}"
                if not request.wants(row):
                    continue
                limits = radius_limits(coordinates, dtype)
                entries += _entries(row, coordinates, dtype, limits)
                if isinstance(coordinates, OwnCoordinates):
                    told = max(warned_from(space, dtype) for space in _spaces(coordinates))
                    error = distance_error(coordinates, dtype, largest=told)
                    entries.append(TableEntry(row, "warned from", (told,)))
                    entries.append(TableEntry(row, "distance error until then", (error,)))
                    reference = _REFERENCE[coordinates.model, dtype]
                    conditions.append(condition(row, limits, told, reference))
        if not entries:
            raise ValueError(f"rows={list(request.rows)}: no row is called so.")
        return PublishedTable(
            experiment="limits_mishne2023",
            title="How far out hyperbolic coordinates go (radii at curvature −1)",
            source="Mishne et al. 2023, arXiv 2211.00181",
            seeds=(),
            cuts=("some rows only",) if request.rows else (),
            entries=tuple(entries),
            conditions=tuple(conditions),
            notes=(
                f"Round trip: the largest radius up to which every point of a sweep (step {STEP:g} "
                f"up to {LARGEST:g}) comes back to within {TOLERANCE:g}; on an axis as in the "
                "reference, and in four directions: off the axes norms are rounded too.",
                "Clipping: where points farther out are put. No gradient: the first radius where "
                "the gradient of the distance from the origin is zero or not finite.",
                "Distance error: the largest up to the radius of the round trip (at most 300), of "
                "pairs at equal and half radius, 0 to 180 degrees apart; NaN if one is no number.",
                "Textbook: the formulae as they stand, with a Lorentz point lost where its product "
                "with itself is not negative any more.",
                "Warned from: the first radius at which geolatent.latents.monitor gives advice, in "
                "the space with wrapped and with Riemannian normals; training asks it about "
                "locations and draws of posteriors after every epoch.",
            ),
        )


def warned_from(space: LatentSpace, dtype: torch.dtype) -> float:
    """The first radius, in steps of 0.1, at which the monitor of codes has something to say."""
    for step in range(1, round(LARGEST / _WARNING_STEP)):
        z = torch.zeros(1, space.dim, dtype=dtype)
        z[0, 0] = step * _WARNING_STEP
        if monitor(space, z).advice:
            return step * _WARNING_STEP
    return math.inf


def condition(row: str, limits: RadiusLimits, told: float, reference: float) -> Condition:
    """Whether a space of ours works nearly as far out as the reference, or warns before it fails.

    Args:
        row: of the table.
        limits: measured.
        told: radius from which there is a warning.
        reference: radius that coordinates of this model and dtype are known to reach.
    """
    fails = min(limits.round_trip, limits.gradient)
    works = fails >= reference - TOLERANCE
    measured = f"works to {fails:.2f}, warns from {told:.1f}"
    return Condition(
        f"{row}: works to {reference:g} − {TOLERANCE:g}, or warns before it fails",
        measured,
        works or told < fails,
    )


def _coordinates() -> list[HyperbolicCoordinates]:
    return [
        TextbookPoincare(),
        TextbookLorentz(),
        GeooptPoincare(),
        GeooptLorentz(),
        OwnCoordinates(PoincareBall(2)),
        OwnCoordinates(Lorentz(2)),
    ]


def _spaces(coordinates: OwnCoordinates) -> list[LatentSpace]:
    manifold = coordinates.manifold
    return [WrappedNormalSpace(manifold), RiemannianNormalSpace(manifold)]


def _entries(
    row: str, coordinates: HyperbolicCoordinates, dtype: torch.dtype, limits: RadiusLimits
) -> list[TableEntry]:
    reach = (Reference("reference", _REFERENCE[coordinates.model, dtype]),)
    clipping: tuple[Reference, ...] = ()
    if isinstance(coordinates, GeooptPoincare):
        clipping = (Reference("reference", _GEOOPT_CLIPPING[dtype]),)
    error = distance_error(coordinates, dtype, largest=limits.round_trip)
    return [
        TableEntry(row, "round trip on an axis", (limits.along_axis,), reach),
        TableEntry(row, "in all directions", (limits.round_trip,)),
        TableEntry(row, "clipping", (limits.clipping,), clipping),
        TableEntry(row, "no gradient", (limits.gradient,)),
        TableEntry(row, "distance error", (error,)),
    ]
