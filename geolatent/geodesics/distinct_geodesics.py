"""All the geodesics that several starts lead to, not only the shortest."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from geolatent.geodesics.connect import connect
from geolatent.geodesics.curve_energy import curve_energy
from geolatent.geodesics.initialisation import Arc, Initialisation, StraightLine
from geolatent.geodesics.path import Path
from geolatent.geodesics.require_options import require_initialisations, require_positive
from geolatent.metrics import Metric

ON_BOTH_SIDES = (StraightLine(), Arc(0.5), Arc(-0.5), Arc(1.0), Arc(-1.0))


@final
@dataclass(frozen=True, repr=False)
class DistinctGeodesics:
    """Local minima of the energy between pairs of codes.

    Attributes:
        path: all of them, those of one pair after each other, the shortest first; m curves.
        pair: which pair each joins, `(m,)`.
        start: which initialisation led to each; of several the first one, `(m,)`.
    """

    path: Path
    pair: Int[Tensor, "m"]
    start: Int[Tensor, "m"]

    def count(self) -> Int[Tensor, "b"]:
        """How many there are between the codes of each pair."""
        return torch.bincount(self.pair)

    def __repr__(self) -> str:
        count = self.count()
        several = int((count > 1).sum())
        text = f"{len(self.path)} geodesics between {len(count)} pairs, {several} with several"
        for pair in (count > 1).nonzero().squeeze(1)[:5].tolist():
            lengths = ", ".join(f"{x:.4g}" for x in self.path.length[self.pair == pair].tolist())
            text += f"\n  pair {pair}: lengths {lengths}"
        return text


@torch.no_grad()
def distinct_geodesics(
    metric: Metric,
    start: Float[Tensor, "b d"],
    end: Float[Tensor, "b d"],
    *,
    initialisations: Sequence[Initialisation] = ON_BOTH_SIDES,
    separation: float = 0.02,
    **options: Any,
) -> DistinctGeodesics:
    """Follow every initial curve to its own geodesic and report those that differ.

    What `connect` settles by keeping the shortest is shown here: codes that several geodesics
    join lie beyond each other's cut locus, where distances have no gradient and means jump.

    Args:
        metric: on codes.
        start: codes, `(b, d)`.
        end: codes, `(b, d)`.
        initialisations: one geodesic of each pair is looked for from each of them.
        separation: two curves are one if, at equal times, they are closer than this share of
            their length, in root mean square.
        **options: of `connect`.

    Returns:
        At least one curve for each pair; one that did not converge is listed only where nothing
        else was found.

    Raises:
        ValueError: as `connect`, or the separation is not positive.
        TypeError: as `connect`.
    """
    require_positive(separation=separation)
    require_initialisations(initialisations)
    found = [connect(metric, start, end, initialisations=(i,), **options) for i in initialisations]
    kept: list[Tensor] = []  # for each initialisation, the pairs for which it led somewhere new
    for path in found:
        new = path.converged.clone()
        for other, rows in zip(found, kept, strict=False):
            new &= ~(rows & _same(metric, path, other, separation))
        kept.append(new)
    settled = torch.stack(kept).any(0)
    lengths = torch.stack([path.length for path in found]).nan_to_num(nan=torch.inf)
    best = lengths.argmin(0)
    for this, rows in enumerate(kept):
        rows |= ~settled & (best == this)
    curves = _joined([path[rows] for path, rows in zip(found, kept, strict=True)])
    pair = torch.cat([rows.nonzero().squeeze(1) for rows in kept])
    which = torch.cat([torch.full_like(r.nonzero().squeeze(1), i) for i, r in enumerate(kept)])
    order = curves.length.argsort(stable=True)
    order = order[pair[order].argsort(stable=True)]
    return DistinctGeodesics(curves[order], pair[order], which[order])


def _same(metric: Metric, one: Path, other: Path, separation: float) -> Bool[Tensor, "b"]:
    """Whether curves of equal rows run side by side."""
    gap = torch.stack([one.points, other.points], 2)  # (b, t, 2, d): a chord at every time
    (square,) = curve_energy(metric).chords(gap.flatten(0, 1), steps=(1,))
    distance = square.view(one.points.shape[:2]).mean(1).sqrt()
    return distance <= separation * torch.maximum(one.length, other.length)


def _joined(paths: list[Path]) -> Path:
    names = [field.name for field in fields(Path)]
    return Path(**{name: torch.cat([getattr(path, name) for path in paths]) for name in names})
