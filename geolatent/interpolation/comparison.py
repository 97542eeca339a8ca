"""What differs between the ways of getting from one code to another."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from geolatent.geodesics import Path
from geolatent.interpolation.bend import Bend, summarise_bend
from geolatent.interpolation.comparison_text import comparison_text
from geolatent.interpolation.paired_effect import PairedEffect, paired_effect
from geolatent.interpolation.path_measure import MEASURES, PathMeasure
from geolatent.interpolation.profile import Profile

if TYPE_CHECKING:
    import pandas as pd


@final
@dataclass(frozen=True)
class Comparison:
    """Paths of several kinds between the same pairs of codes, all measured in the induced metric.

    `print` it for the summary that one would read first.

    Attributes:
        paths: by name.
        profiles: by the same names.
        data_spacing: median distance of a training datum to its nearest other one, the scale on
            which to read `Profile.distance_to_data`; `None` without data.
        ends_apart: distance of the decoded ends of a pair, median over pairs, in the data's units
            (root mean square over features); `None` if it was not measured.
        left_out: what could not be measured, and why.
        repeats: pairs that are an earlier one again, `(b,)`: they are not measured twice.
        shared_codes: codes that are ends of several pairs, which intervals take to be independent.
        null: the same paths under the affine decoder nearest to the subject's, if it was asked for.
    """

    paths: Mapping[str, Path]
    profiles: Mapping[str, Profile]
    data_spacing: float | None
    ends_apart: float | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)
    repeats: Bool[Tensor, "b"] | None = None
    shared_codes: int = 0
    null: "Comparison | None" = None

    @property
    def excess(self) -> Float[Tensor, "b"]:
        """Straight length over geodesic length − 1 for each pair; NaN for one not measured."""
        geodesic = self._path("geodesic")
        return geodesic.straight_excess.masked_fill(~self._usable("geodesic"), torch.nan)

    @property
    def assumed_excess(self) -> Float[Tensor, "b"]:
        """The same of the declared geometry's geodesics, which have to be among the paths."""
        geodesic, assumed = self._path("geodesic"), self._path("assumed")
        usable = self._usable("geodesic") & self._usable("assumed")
        return (assumed.length / geodesic.length - 1).masked_fill(~usable, torch.nan)

    def bend(self, *, threshold: float = 0.05) -> Bend:
        """`excess` summarised over the pairs."""
        return summarise_bend(self.excess, threshold=threshold)

    def assumed_bend(self, *, threshold: float = 0.05) -> Bend:
        """`assumed_excess` summarised over the pairs."""
        return summarise_bend(self.assumed_excess, threshold=threshold)

    def most_bent(self, count: int) -> Int[Tensor, "c"]:
        """Rows of the pairs with the greatest excess, greatest first: extremes, not examples."""
        ranked = self.excess.nan_to_num(nan=-torch.inf).argsort(descending=True)
        return ranked[: min(count, len(ranked))]

    def unmeasured(self) -> dict[str, int]:
        """Why pairs are not measured on some path, and how many for each reason, if any."""
        undefined, same, unsolved = (
            torch.stack(rows).any(0)
            for rows in zip(*(self._failures(name) for name in self.paths), strict=True)
        )
        repeats = torch.zeros_like(same) if self.repeats is None else self.repeats
        found, known = {}, torch.zeros_like(same)
        for reason, rows in (
            ("the decoder gives NaN or infinity on the way", undefined),
            ("the decoder gives the same, up to rounding, for both codes and all between", same),
            ("the pair repeats an earlier one", repeats),
            ("a path has not converged", unsolved),
        ):
            if (rows & ~known).any():
                found[reason] = int((rows & ~known).sum())
            known |= rows
        return found

    def to_frame(self) -> "pd.DataFrame":
        """One row for each pair and kind of path, one column for each measure that there is."""
        import pandas as pd

        frames = []
        for name, path in self.paths.items():
            columns: dict[str, Any] = {"pair": range(len(path)), "path": name}
            columns |= {key: _array(value) for key, value in self._values(name).items()}
            columns["converged"] = path.converged.cpu().numpy()
            frames.append(pd.DataFrame(columns))
        return pd.concat(frames, ignore_index=True)

    def summary(self) -> "pd.DataFrame":
        """Median of every measure over the pairs that converged in all kinds of path.

        One row for each kind; the column `converged` is its share of all pairs.
        """
        frame = self.to_frame()
        shares = frame.groupby("path", sort=False)["converged"].mean()
        complete = frame.groupby("pair")["converged"].transform("all")
        measures = frame[complete].drop(columns=["pair", "converged"])
        medians = measures.groupby("path", sort=False).median().reindex(shares.index)
        medians["converged"] = shares
        return medians

    def effects(
        self, *, reference: str = "linear", seed: int = 0, resamples: int = 2000
    ) -> "pd.DataFrame":
        """Paired differences of every path against one of them, in every measure.

        One row for each path and measure: `PairedEffect` in columns, beside it the `unit` of a
        difference (a ratio is given as its distance from 1), the medians of both paths, and where
        there is a `null` the difference that is found on it. Medians are in the units of the
        difference. Only pairs on which both paths converged count. Intervals are 95 %, each by
        itself: of many effects some exclude zero by chance.

        Args:
            reference: the path that the others are compared with.
            seed: of the bootstrap.
            resamples: of the bootstrap.

        Raises:
            ValueError: the reference is not among the paths.
        """
        import pandas as pd

        self._path(reference)
        rows: list[dict[str, Any]] = []
        for name in self.paths:
            if name == reference:
                continue
            for key, (value, other, difference) in self._differences(name, reference).items():
                measure = MEASURES[key]
                both = np.isfinite(difference)
                row: dict[str, Any] = {
                    "path": name,
                    "measure": key,
                    "unit": "ratio" if measure.scale == "ratio" else measure.unit,
                    "reference_median": _median(other[both]),
                    "path_median": _median(value[both]),
                }
                row |= asdict(_effect(measure, difference, seed, resamples))
                null = None if self.null is None else self.null._differences(name, reference)
                if null is not None and key in null:
                    found = _effect(measure, null[key][2], seed, resamples)
                    row |= {
                        "null_difference": found.difference,
                        "null_low": found.low,
                        "null_high": found.high,
                        "null_share": found.share,
                    }
                rows.append(row)
        return pd.DataFrame(rows)

    def to_dict(self, *, reference: str | None = None, seed: int = 0) -> dict[str, Any]:
        """All numbers over pairs, for JSON: `None` where there is no finite one.

        The pairs themselves are in `to_frame`.

        Args:
            reference: the path that the others are compared with; if not given the straight line
                or, without one, the first path.
            seed: of the bootstrap.
        """
        reference = reference or self._reference
        effects = self.effects(reference=reference, seed=seed).to_dict(orient="records")
        numbers: dict[str, Any] = {
            "pairs": self._pairs,
            "data_spacing": self.data_spacing,
            "ends_apart": self.ends_apart,
            "medians": self.summary().to_dict(orient="index"),
            "reference": reference,
            "bootstrap_seed": seed,
            "effects": effects,
            "left_out": dict(self.left_out),
            "unmeasured": self.unmeasured(),
            "shared_codes": self.shared_codes,
        }
        if "geodesic" in self.paths and self._pairs:
            numbers["bend"] = self.bend().to_dict()
        return {key: _finite(value) for key, value in numbers.items()}

    def to_json(self, *, reference: str | None = None, seed: int = 0) -> str:
        """`to_dict` as text."""
        numbers = self.to_dict(reference=reference, seed=seed)
        return json.dumps(numbers, indent=2, ensure_ascii=False, allow_nan=False)

    def __str__(self) -> str:
        return comparison_text(
            self.effects(reference=self._reference),
            reference=self._reference,
            pairs=self._pairs,
            left_out=self.left_out,
            unmeasured=self.unmeasured(),
            shared_codes=self.shared_codes,
        )

    @property
    def _reference(self) -> str:
        return "linear" if "linear" in self.paths else next(iter(self.paths))

    @property
    def _pairs(self) -> int:
        return len(next(iter(self.paths.values())))

    def _path(self, name: str) -> Path:
        if name not in self.paths:
            raise ValueError(
                f"there is no path {name!r} in this comparison: name it among the paths= of "
                f"compare, got {list(self.paths)}."
            )
        return self.paths[name]

    def _failures(self, name: str) -> tuple[Tensor, Tensor, Tensor]:
        """Rows of a path: decoder not finite there, decoder constant there, not converged."""
        path, acceleration = self.paths[name], self.profiles[name].acceleration
        undefined = path.length.isnan()
        if acceleration is not None:
            undefined = undefined | acceleration.isnan().any(1)
        return undefined, path.length <= path.length_error, ~path.converged

    def _usable(self, name: str) -> Bool[Tensor, "b"]:
        """Pairs that a path has a length of, beyond rounding; a repeated pair is no news."""
        undefined, same, unsolved = self._failures(name)
        usable = ~(undefined | same | unsolved)
        return usable if self.repeats is None else usable & ~self.repeats

    def _values(self, name: str) -> dict[str, Tensor]:
        """What was measured on one kind of path, by the names of the measures."""
        path, profile = self.paths[name], self.profiles[name]
        found = {key: measure.value(path, profile) for key, measure in MEASURES.items()}
        return {key: value for key, value in found.items() if value is not None}

    def _differences(
        self, name: str, reference: str
    ) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """For each measure the values of both paths and their differences; NaN for failed pairs."""
        both = self._usable(name) & self._usable(reference)
        values, others = self._values(name), self._values(reference)
        found = {}
        for key in values.keys() & others.keys():
            scale = MEASURES[key].scale
            unit = {"spacings": self.data_spacing, "ends": self.ends_apart}.get(scale, 1.0)
            if not unit:  # data or decoded ends that are all the same are no scale
                continue
            value, other = (
                _array(v.masked_fill(~both, torch.nan)) / unit for v in (values[key], others[key])
            )
            difference = _log_ratio(value, other) if scale == "ratio" else value - other
            found[key] = value, other, difference
        return {key: found[key] for key in MEASURES if key in found}


def _log_ratio(value: np.ndarray, other: np.ndarray) -> np.ndarray:
    usable = (value > 0) & (other > 0)
    ratio = np.log(np.where(usable, value, 1) / np.where(usable, other, 1))
    return np.where(usable, ratio, np.nan)


def _effect(
    measure: PathMeasure, difference: np.ndarray, seed: int, resamples: int
) -> PairedEffect:
    """The effect; of a ratio in distances from 1."""
    ratio = measure.scale == "ratio"
    matters = math.log1p(measure.matters) if ratio else measure.matters
    effect = paired_effect(difference, matters=matters, resamples=resamples, seed=seed)
    if not ratio:
        return effect
    return PairedEffect(
        **{
            **asdict(effect),
            "difference": math.expm1(effect.difference),
            "low": math.expm1(effect.low),
            "high": math.expm1(effect.high),
            "matters": measure.matters,
        }
    )


def _array(values: Tensor) -> np.ndarray:
    return values.detach().cpu().double().numpy()


def _median(values: np.ndarray) -> float:
    return float(np.median(values)) if values.size else math.nan


def _finite(value: Any) -> Any:
    """The same for JSON, which has no NaN and no infinity."""
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
