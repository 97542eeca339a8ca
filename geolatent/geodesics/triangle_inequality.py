"""What some distances say about others."""

import torch
from jaxtyping import Float
from torch import Tensor


def triangle_closure(distances: Float[Tensor, "m m"]) -> Float[Tensor, "m m"]:
    """Lengths of the shortest ways through any of the others (Floyd and Warshall's algorithm).

    Args:
        distances: symmetric, `(m, m)`; NaN where one is not known.

    Returns:
        At most `distances`, symmetric, zero on the diagonal, infinite where no way is known.
    """
    # Not scipy's: in a dense graph it takes a distance below 1e-8 for none.
    closed = distances.double().nan_to_num(nan=torch.inf, posinf=torch.inf).fill_diagonal_(0)
    for way in range(len(closed)):
        torch.minimum(closed, closed[:, way : way + 1] + closed[way], out=closed)
    return torch.minimum(closed, closed.T).to(distances)


def triangle_bounds(
    rows: Float[Tensor, "l m"], columns: Float[Tensor, "l n"]
) -> tuple[Float[Tensor, "m n"], Float[Tensor, "m n"]]:
    r"""Lower and upper bounds of distances from those to landmarks.

    .. math:: \max_l |d(x, l) - d(y, l)| \le d(x, y) \le \min_l \, (d(x, l) + d(l, y))

    Args:
        rows: distances of m codes to l landmarks, `(l, m)`; NaN where one is not known.
        columns: distances of n codes to the same landmarks, `(l, n)`.

    Returns:
        Lower and upper bounds, `(m, n)`: 0 and infinity where nothing is known.
    """
    lower = rows.new_zeros(rows.shape[1], columns.shape[1])
    upper = torch.full_like(lower, torch.inf)
    for row, column in zip(rows, columns, strict=True):  # one at a time: no (l, m, n) in memory
        gap = (row[:, None] - column).abs_()
        torch.maximum(lower, gap.nan_to_num_(nan=0.0), out=lower)
        way = row[:, None] + column
        torch.minimum(upper, way.nan_to_num_(nan=torch.inf), out=upper)
    return lower, upper
