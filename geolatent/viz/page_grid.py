"""The cells of a map, and the codes at their centres."""

from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from geolatent.viz.latent_chart import LatentChart

_INSIDE = 0.995  # of the unit disk: at the rim itself codes are infinite


@final
@dataclass(frozen=True, eq=False)
class PageGrid:
    """A grid of square cells on the page.

    Attributes:
        x: edges of the columns, `(w + 1,)`.
        y: edges of the rows, `(h + 1,)`.
        codes: at the centres, `(h, w, d)`; NaN where there are none.
        shown: cells that have a code and are not beyond the farthest of the data, `(h, w)`.
        rim: radius on a round page beyond which no data are; infinite on other pages.
    """

    x: Float[np.ndarray, " w1"]
    y: Float[np.ndarray, " h1"]
    codes: Float[Tensor, "h w d"]
    shown: Bool[Tensor, "h w"]
    rim: float


def page_grid(
    chart: LatentChart,
    codes: Float[Tensor, "m d"],
    must_show: Float[Tensor, "k d"],
    resolution: int,
) -> PageGrid:
    """Lay a grid over the codes.

    Args:
        chart: of the page.
        codes: of data, `(m, d)`: nearly all of them are inside.
        must_show: codes that are inside, `(k, d)`.
        resolution: cells along the longer side.

    Returns:
        The grid.

    Raises:
        ValueError: the resolution is below 2.
    """
    if resolution < 2:
        raise ValueError(f"a map needs at least 2 cells along its side, got {resolution}.")
    left, right, bottom, top = chart.extent(codes, must_show)
    cell = max(right - left, top - bottom) / resolution
    x = np.linspace(left, right, max(2, round((right - left) / cell)) + 1)
    y = np.linspace(bottom, top, max(2, round((top - bottom) / cell)) + 1)
    centres = np.stack(np.meshgrid((x[1:] + x[:-1]) / 2, (y[1:] + y[:-1]) / 2), axis=-1)
    page = torch.as_tensor(centres).to(codes)
    rim = float("inf")
    shown = torch.ones(page.shape[:2], dtype=torch.bool, device=page.device)
    if chart.round:
        # Beyond the data a decoder extrapolates, and a disk has no edge of the picture to stop at.
        drawn = chart.to_page(torch.cat([codes, must_show]))
        rim = min(1.0, 1.03 * float(torch.linalg.vector_norm(drawn, dim=-1).max()))
        radius = torch.linalg.vector_norm(page, dim=-1)
        shown = radius <= rim + cell
        # Cells that the rim cuts show what is just inside it.
        page = page * (min(rim, _INSIDE) / radius.clamp_min(1e-6)).clamp_max(1).unsqueeze(-1)
    z = chart.from_page(page)
    shown &= z.isfinite().all(-1)
    return PageGrid(x=x, y=y, codes=z, shown=shown, rim=rim)
