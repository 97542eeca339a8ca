"""What a reader of a report can walk through: codes, paths between them, what they decode to."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from geolatent.assumptions.subject import Subject
from geolatent.geodesics.measure import straight_points

_STEPS = 9
_FINE = 33  # points of a path as it is drawn
_VALUES = 350_000  # decoded numbers, a byte each in a page
_FEWEST = 8  # pairs worth decoding
_PAIRS = 250
_CODES = 2000


@final
@dataclass(frozen=True)
class Atlas:
    """Codes in two coordinates, and for some pairs the straight line and the geodesic.

    Attributes:
        codes: `(n, 2)`: the codes themselves, or their first two principal components.
        axes: what the two coordinates are.
        labels: the class of each code, `(n,)`, counted from 0, or none.
        label_names: of the classes, in the order of their numbers; empty without labels.
        lines: `(b, t, 2)`, straight; what bends most comes first.
        geodesics: `(b, t, 2)`.
        excess: of the straight lines, `(b,)`.
        decoded: `(k, 2, s, p)`: along the line and along the geodesic at equal times, of the first
            k pairs, as many as a page can hold; none if they are few.
        image_shape: of what is decoded, `(h, w)` or `(c, h, w)`; none if it is no image.
        origin: the code that is in the middle of the map, `(d,)`.
        directions: of its two coordinates, `(d, 2)`.
    """

    codes: Float[np.ndarray, "n 2"]
    axes: tuple[str, str]
    labels: Int[np.ndarray, "n"] | None
    label_names: tuple[str, ...]
    lines: Float[np.ndarray, "b t 2"]
    geodesics: Float[np.ndarray, "b t 2"]
    excess: Float[np.ndarray, "b"]
    decoded: Float[np.ndarray, "k 2 s p"] | None
    image_shape: tuple[int, ...] | None
    origin: Float[np.ndarray, "d"]
    directions: Float[np.ndarray, "d 2"]

    def placed(self, codes: Float[np.ndarray, "*n d"]) -> Float[np.ndarray, "*n 2"]:
        """Codes as points of the map."""
        points: np.ndarray = (codes - self.origin) @ self.directions
        return points


@torch.no_grad()
def make_atlas(
    subject: Subject,
    *,
    image_shape: tuple[int, ...] | None = None,
    label_names: Sequence[str] = (),
) -> Atlas | None:
    """The subject's pairs as a map, or none if no geodesic converged or codes are one number.

    Args:
        subject: what was audited.
        image_shape: of one datum, `(h, w)` or `(c, h, w)`.
        label_names: of label 0, 1, ...; labels beyond them are called by their number.
    """
    if subject.codes.shape[1] < 2:
        return None
    pairs = subject.pairs
    good = (pairs.path.converged & pairs.path.straight_excess.isfinite()).nonzero().squeeze(1)
    if not len(good):
        return None
    good = good[:_PAIRS]  # they come in random order
    path = pairs.path[good[pairs.path.straight_excess[good].argsort(descending=True)]]
    decoded = _decoded(subject, path.points)
    origin, directions, axes = _plane(subject.codes)

    def placed(z: Tensor) -> np.ndarray:
        return ((z.double() - origin) @ directions).cpu().numpy()

    shown = subject.sample("atlas", _CODES)
    labels: np.ndarray | None = None
    names: tuple[str, ...] = ()
    if subject.labels is not None:
        present, places = subject.labels.cpu().long().unique(return_inverse=True)
        labels = places[shown].numpy()
        names = tuple(
            str(label_names[k]) if 0 <= k < len(label_names) else str(k) for k in present.tolist()
        )
    t = torch.linspace(0, 1, _FINE, dtype=torch.float64)
    features = None if decoded is None else decoded.shape[-1]
    return Atlas(
        codes=placed(subject.codes[shown]),
        axes=axes,
        labels=labels,
        label_names=names,
        lines=placed(straight_points(path.points[:, 0], path.points[:, -1], _FINE - 1)),
        geodesics=placed(path(t)),
        excess=path.straight_excess.double().cpu().numpy(),
        decoded=decoded,
        image_shape=image_shape if image_shape and prod(image_shape) == features else None,
        origin=origin.cpu().numpy(),
        directions=directions.cpu().numpy(),
    )


def _decoded(subject: Subject, points: Tensor) -> np.ndarray | None:
    start, end = points[:, 0], points[:, -1]
    features = subject.model.decode(start[:1]).shape[-1]
    count = min(len(points), _VALUES // (2 * _STEPS * features))
    if count < min(_FEWEST, len(points)):
        return None
    straight = straight_points(start[:count], end[:count], _STEPS - 1)
    at = torch.linspace(0, points.shape[1] - 1, _STEPS).round().long()
    both = torch.stack([straight, points[:count, at]], 1)
    return subject.model.decode(both).double().cpu().numpy()


def _plane(codes: Tensor) -> tuple[Tensor, Tensor, tuple[str, str]]:
    """Two coordinates: those of the codes if they have no more, else principal components."""
    wide = codes.double()
    if codes.shape[1] == 2:
        return torch.zeros_like(wide[0]), torch.eye(2).to(wide), ("first code", "second code")
    centre = wide.mean(0)
    _, sizes, directions = torch.linalg.svd(wide - centre, full_matrices=False)
    share = sizes.square() / sizes.square().sum()
    names = [
        f"{name} principal component, {float(part):.0%} of the variance"
        for name, part in zip(("first", "second"), share, strict=False)
    ]
    return centre, directions[:2].T, (names[0], names[1])
