"""How far data are from the nearest of others."""

from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

_DISTANCES_AT_ONCE = 2**24
_SPARE = 8  # candidates beyond those asked for: what rounding may put in the wrong order
_SAMPLE = 1000  # is enough for a median


@final
class NearestData:
    """Data in which neighbours are looked up.

    Distances are root mean square differences over features, in the data's units.

    Args:
        data: `(m, p)`, at least two rows.

    Attributes:
        data: as given.
        spacing: median distance of a datum to its nearest other one.
    """

    def __init__(self, data: Float[Tensor, "m p"]) -> None:
        self.data = data
        self._middle = data.mean(0)
        self._centred = data - self._middle
        self._squares = self._centred.square().sum(1)
        sample = torch.linspace(0, len(data) - 1, min(len(data), _SAMPLE)).long()
        # Rank 2: the nearest datum to a datum is itself.
        self.spacing = float(self.neighbours(data[sample], 2)[0][:, 1].median())

    def neighbours(
        self, x: Float[Tensor, "k p"], count: int
    ) -> tuple[Float[Tensor, "k c"], Int[Tensor, "k c"]]:
        """Distances to the nearest data and which they are, nearest first; at most all of them."""
        count = min(count, len(self.data))
        candidates = min(count + _SPARE, len(self.data))
        width = max(1, len(self.data), candidates * x.shape[1])
        distances, indices = [], []
        for part in x.split(max(1, _DISTANCES_AT_ONCE // width)):
            # Candidates by a matrix product, which rounds; their distances by differences.
            nearness = self._squares - 2 * (part - self._middle) @ self._centred.mT
            near = nearness.topk(candidates, dim=1, largest=False).indices
            distance = (part.unsqueeze(1) - self.data[near]).square().mean(2).sqrt()
            best = distance.topk(count, dim=1, largest=False)
            distances.append(best.values)
            indices.append(near.gather(1, best.indices))
        return torch.cat(distances), torch.cat(indices)


def nearest_distance(
    x: Float[Tensor, "k p"], data: Float[Tensor, "m p"], *, rank: int = 1
) -> Float[Tensor, "k"]:
    """Root mean square difference over features from each x to its `rank`-th nearest datum."""
    return NearestData(data).neighbours(x, rank)[0][:, rank - 1]
