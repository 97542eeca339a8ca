"""All pairs of codes in blocks that can be solved one by one, anywhere, and kept on disk."""

import hashlib
import os
from types import FunctionType
from typing import Any, NamedTuple, final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from geolatent.geodesics.arc_length import arc_length
from geolatent.geodesics.block_store import BlockStore
from geolatent.geodesics.connect import connect
from geolatent.geodesics.measure import straight_points
from geolatent.geodesics.pairs import require_finite_rows
from geolatent.geodesics.require_options import require_count
from geolatent.metrics import ClosedFormGeodesics, Metric
from geolatent.metrics.require_codes import require_codes, require_floating

PAIRS_AT_ONCE = 1024
"""Geodesics solved together: a larger batch gets no faster."""

_PROBES = 16  # codes between which the metric is measured, to recognise it again


class SolvedBlock(NamedTuple):
    """What the pairs of a block came to."""

    length: Float[Tensor, "b"]
    converged: Bool[Tensor, "b"]


@final
class DistanceBlocks:
    """The geodesics between all pairs of codes, cut into blocks.

    With a directory, every solved block is a file there, written whole or not at all. Any number
    of processes or machines can share it: each builds the same `DistanceBlocks` and solves the
    blocks it was given; then `distance_matrix` with the same arguments only collects them.

    Args:
        metric: on codes.
        points: codes, `(m, d)`.
        other: codes, `(n, d)`, for distances from `points` to them; all pairs within `points` if
            not given, each once.
        directory: for the files; made if it is not there.
        pairs_at_once: size of a block.
        **options: of `connect`. Of one that is an object, such as an initialisation, the class
            and the public attributes are compared with what the directory holds.

    Attributes:
        points: codes, `(m, d)`, of the rows of the matrix.

    Raises:
        ValueError: shapes or dtypes do not fit together, or the directory holds blocks of other
            points, another metric or other options. A metric is recognised by the lengths of
            straight lines between some of the codes.
        TypeError: with a directory, an option that no file can hold: none of its state is public.
    """

    def __init__(
        self,
        metric: Metric,
        points: Float[Tensor, "m d"],
        other: Float[Tensor, "n d"] | None = None,
        *,
        directory: str | os.PathLike[str] | None = None,
        pairs_at_once: int = PAIRS_AT_ONCE,
        **options: Any,
    ) -> None:
        validate_codes(metric, points, other)
        require_count(pairs_at_once=pairs_at_once)
        self._metric = metric
        self.points = points.detach()
        self._columns = self.points if other is None else other.detach()
        self._options = options
        self._size = pairs_at_once
        # Every row's first pair, counted over the matrix or, with one set, over its upper triangle.
        lengths = torch.full((len(self.points),), len(self._columns))
        if other is None:
            lengths = torch.arange(len(points) - 1, -1, -1)
        self._first = torch.cat([torch.zeros(1, dtype=torch.long), lengths.cumsum(0)])
        self._triangle = other is None
        self._store = None
        if directory is not None:
            slack = torch.finfo(points.dtype).eps ** 0.5  # machines and thread counts round apart
            self._store = BlockStore(directory, self._description(), slack=slack)

    def __len__(self) -> int:
        return -(-int(self._first[-1]) // self._size)

    def pairs_of(self, block: int) -> Int[Tensor, "b 2"]:
        """Rows and columns of the pairs of a block."""
        if not 0 <= block < len(self):
            raise ValueError(f"block must be one of {len(self)}, counted from 0, got {block}.")
        stop = min((block + 1) * self._size, int(self._first[-1]))
        pair = torch.arange(block * self._size, stop)
        row = torch.searchsorted(self._first, pair, right=True) - 1
        column = pair - self._first[row] + (row + 1 if self._triangle else 0)
        return torch.stack([row, column], dim=1).to(self.points.device)

    def missing(self) -> list[int]:
        """The blocks that are not in the directory; all of them if there is no directory."""
        store = self._store
        return [block for block in range(len(self)) if store is None or block not in store]

    def solve(self, block: int) -> SolvedBlock:
        """The geodesics of one block, from the directory if they are there, else solved for it."""
        pairs = self.pairs_of(block)
        if self._store is not None:
            known = self._store.read(block, self.points.device)
            if known is not None:
                return SolvedBlock(**known)
        start, end = self.points[pairs[:, 0]], self._columns[pairs[:, 1]]
        solved = solve_pairs(self._metric, start, end, **self._options)
        if self._store is not None:
            self._store.write(block, solved._asdict())
        return solved

    def _description(self) -> dict[str, Any]:
        codes = torch.cat([self.points, self._columns])
        lengths: list[float | None] = []
        if len(codes):
            index = torch.linspace(0, len(codes) - 1, _PROBES).long().to(codes.device)
            probes = codes[index]
            with torch.no_grad():
                measured = arc_length(self._metric, straight_points(probes[:-1], probes[1:], 8))
            lengths = [x if abs(x) < torch.inf else None for x in measured.double().tolist()]
        return {
            "points": _digest(self.points),
            "other": None if self._columns is self.points else _digest(self._columns),
            "pairs_at_once": self._size,
            "options": {name: _plain(self._options[name]) for name in sorted(self._options)},
            "metric": type(self._metric).__qualname__,
            "lengths of straight lines": lengths,
        }


def solve_pairs(
    metric: Metric, start: Float[Tensor, "b d"], end: Float[Tensor, "b d"], **options: Any
) -> SolvedBlock:
    """Distances of pairs, by the metric's closed form if it has one and no other is asked for."""
    by_formula = options.get("method", "auto") in ("auto", "closed form")
    if isinstance(metric, ClosedFormGeodesics) and by_formula:
        connect(metric, start[:0], end[:0], **options)  # refuses bad options
        with torch.no_grad():
            length = torch.where((start == end).all(1), 0, metric.distance(start, end))
        return SolvedBlock(length, length.isfinite())
    path = connect(metric, start, end, **options)
    return SolvedBlock(path.length, path.converged)


def validate_codes(metric: Metric, points: Tensor, other: Tensor | None) -> None:
    """Raise unless both are `(·, d)`, of one dtype, on one device, and finite."""
    for name, codes in (("points", points), ("other", points if other is None else other)):
        require_floating(name, codes)
        fits = codes.ndim == 2 and codes.shape[1] == points.shape[1]
        if not fits or (codes.dtype, codes.device) != (points.dtype, points.device):
            raise ValueError(
                "points and other must be (m, d) and (n, d) of the same dtype on the same device, "
                f"got points {tuple(points.shape)}, {points.dtype} on {points.device}, and {name} "
                f"{tuple(codes.shape)}, {codes.dtype} on {codes.device}."
            )
        require_finite_rows(name, codes)
    require_codes(metric, points, name="points")


def _digest(codes: Tensor) -> str:
    content = hashlib.sha256(codes.cpu().contiguous().numpy().tobytes()).hexdigest()
    return f"{tuple(codes.shape)} {codes.dtype} {content}"


def _plain(option: Any) -> Any:
    """An option as JSON; of an object its class and its public attributes."""
    if isinstance(option, np.generic):
        option = option.item()
    if option is None or isinstance(option, bool | int | float | str):
        return option
    if isinstance(option, list | tuple):
        # With a name, since a bare list of numbers is compared with a tolerance.
        return {"several": [_plain(part) for part in option]}
    if isinstance(option, Tensor) and not option.is_floating_point():
        return _digest(option)
    if isinstance(option, Tensor):  # may have been measured on a machine that rounds differently
        spread = option.std() if option.numel() > 1 else torch.zeros(())
        return f"{tuple(option.shape)} {option.dtype} {option.mean():.3g} ± {spread:.3g}"
    state = getattr(option, "__dict__", None)
    public = {name: part for name, part in (state or {}).items() if name[0] != "_"}
    if state is None or isinstance(option, FunctionType) or (state and not public):
        raise TypeError(
            f"{option!r} cannot be kept beside the blocks to recognise the same run again, since a "
            f"{type(option).__qualname__} shows no public attributes: give numbers, tensors or an "
            "object whose public attributes tell it from others, or no directory."
        )
    return {type(option).__qualname__: {name: _plain(part) for name, part in public.items()}}
