"""Different curves to start from, so that different minima are found."""

import numpy as np
import torch
from case import Case
from jaxtyping import Float
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import KDTree
from solver import straight_nodes
from torch import Tensor

_NEIGHBOURS = 12
_SMOOTHING = 20


def starts(case: Case, segments: int) -> dict[str, Float[Tensor, "b t d"]]:
    """The straight line, four lines bent off it at random, and paths through the data."""
    straight = straight_nodes(case.start, case.end, segments)
    generator = torch.Generator().manual_seed(3)
    t = torch.linspace(0, 1, segments + 1)[None, :, None]
    arch = 4 * t * (1 - t)  # exactly zero at the ends, unlike sin πt
    found = {"straight": straight}
    for bend in (0.2, 0.5):
        aside = torch.randn(case.start.shape, generator=generator)
        span = case.end - case.start
        aside -= (aside * span).sum(1, keepdim=True) / span.square().sum(1, keepdim=True) * span
        aside *= bend * span.norm(dim=1, keepdim=True) / aside.norm(dim=1, keepdim=True)
        found[f"bent by {bend:g}"] = straight + arch * aside[:, None]
        found[f"bent by {-bend:g}"] = straight - arch * aside[:, None]
    if len(case.codes):
        found["through the data"] = _through_data(case, segments)
    return found


@torch.no_grad()
def _through_data(case: Case, segments: int) -> Float[Tensor, "b t d"]:
    """Shortest paths in the graph of nearest codes, weighted by decoded distance, smoothed."""
    codes = torch.cat([case.start, case.end, case.codes])
    images = torch.cat([case.decoder(piece) for piece in codes.split(512)])
    _, near = KDTree(codes.numpy()).query(codes.numpy(), _NEIGHBOURS + 1)
    tail, head = np.repeat(np.arange(len(codes)), _NEIGHBOURS), near[:, 1:].ravel()
    weight = np.concatenate(
        [
            (images[a] - images[b]).norm(dim=1).numpy()
            for a, b in zip(np.array_split(tail, 64), np.array_split(head, 64), strict=True)
        ]
    )
    shape = (len(codes), len(codes))
    graph = csr_array((np.maximum(weight, 1e-12), (tail, head)), shape=shape)
    count = len(case)
    distance, before = dijkstra(
        graph, directed=False, indices=np.arange(count), return_predecessors=True
    )
    paths = []
    for pair in range(count):
        if not np.isfinite(distance[pair, count + pair]):
            paths.append(straight_nodes(case.start[[pair]], case.end[[pair]], segments)[0])
            continue
        corner, corners = count + pair, []
        while corner >= 0:
            corners.append(corner)
            corner = before[pair, corner]
        corners.reverse()
        at = distance[pair, corners] / distance[pair, count + pair]
        t = np.linspace(0, 1, segments + 1)
        points = codes[corners].numpy()
        paths.append(
            torch.as_tensor(np.stack([np.interp(t, at, c) for c in points.T], 1)).to(codes)
        )
    nodes = torch.stack(paths)
    for _ in range(_SMOOTHING):
        nodes[:, 1:-1] = (nodes[:, :-2] + 2 * nodes[:, 1:-1] + nodes[:, 2:]) / 4
    return nodes
