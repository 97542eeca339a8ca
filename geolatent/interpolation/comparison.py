"""What differs between the ways of getting from one code to another."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from geolatent.geodesics import Path
from geolatent.interpolation.bend import Bend, summarise_bend

if TYPE_CHECKING:
    import pandas as pd


@final
@dataclass(frozen=True)
class Profile:
    """What the decoded data look like along the paths of one kind, at the times of its points.

    Attributes:
        distance_to_data: from each decoded point to its nearest training datum, in the data's
            units (root mean square over features), `(b, t)`; `None` without data.
        uncertainty: standard deviation that the model states for its decoded data (root mean
            square over features), `(b, t)`; `None` for a decoder that states none.
    """

    distance_to_data: Float[Tensor, "b t"] | None
    uncertainty: Float[Tensor, "b t"] | None


@final
@dataclass(frozen=True)
class Comparison:
    """Paths of several kinds between the same pairs of codes, all measured in the induced metric.

    Attributes:
        paths: by name.
        profiles: by the same names.
        data_spacing: median distance of a training datum to its nearest other one, the scale on
            which to read `Profile.distance_to_data`; `None` without data.
    """

    paths: Mapping[str, Path]
    profiles: Mapping[str, Profile]
    data_spacing: float | None

    @property
    def excess(self) -> Float[Tensor, "b"]:
        """Straight length over geodesic length − 1 for each pair; NaN for a failed one."""
        geodesic = self.paths["geodesic"]
        return geodesic.straight_excess.masked_fill(~geodesic.converged, torch.nan)

    @property
    def assumed_excess(self) -> Float[Tensor, "b"]:
        """The same of the declared geometry's geodesics, which have to be among the paths."""
        geodesic, assumed = self.paths["geodesic"], self.paths["assumed"]
        # Between a code and itself both lengths are 0: no excess.
        ratio = assumed.length / geodesic.length.where(geodesic.length != 0, assumed.length + 1)
        excess = torch.where(assumed.length == geodesic.length, 0, ratio - 1)
        failed = ~(geodesic.converged & assumed.converged)
        return excess.masked_fill(failed, torch.nan)

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

    def to_frame(self) -> "pd.DataFrame":
        """One row for each pair and kind of path."""
        import pandas as pd

        frames = []
        for name, path in self.paths.items():
            columns: dict[str, Any] = {
                "pair": range(len(path)),
                "path": name,
                "length": path.length,
                "energy": path.energy,
                "speed_variation": path.speed_variation,
                "greatest_distance_to_data": _greatest(self.profiles[name].distance_to_data),
                "greatest_uncertainty": _greatest(self.profiles[name].uncertainty),
                "converged": path.converged,
            }
            for key, value in columns.items():
                if isinstance(value, Tensor):
                    columns[key] = value.cpu().numpy()
            frames.append(pd.DataFrame(columns))
        return pd.concat(frames, ignore_index=True)

    def summary(self) -> "pd.DataFrame":
        """Median of every measure over the pairs that converged in all kinds of path.

        One row for each kind; the column `converged` is its share of all pairs.
        """
        frame = self.to_frame().dropna(axis="columns", how="all")
        shares = frame.groupby("path", sort=False)["converged"].mean()
        complete = frame.groupby("pair")["converged"].transform("all")
        measures = frame[complete].drop(columns=["pair", "converged"])
        medians = measures.groupby("path", sort=False).median().reindex(shares.index)
        medians["converged"] = shares
        return medians


def _greatest(values: Tensor | None) -> Tensor | float:
    return float("nan") if values is None else values.amax(1)
