"""A few codes that are far from each other."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from geolatent.geodesics.code_graph import CodeGraph
from geolatent.geodesics.triangle_inequality import triangle_closure


def farthest_nodes(graph: CodeGraph, count: int) -> Int[Tensor, "l"]:
    """Nodes far from each other: each next one is, in the graph, farthest from all so far.

    The first is the one farthest from the first code. Fewer than `count` if the rest coincides
    with them.

    References:
        Gonzalez, T. F. (1985). Clustering to minimize the maximum intercluster distance.
        Theor. Comput. Sci. 38.
    """

    def reach(node: Tensor) -> Tensor:
        return graph.node_distances(node.reshape(1))[0]

    chosen = [reach(torch.zeros(1, dtype=torch.long, device=graph.codes.device)).argmax()]
    nearest = reach(chosen[0])
    while len(chosen) < min(count, len(graph.codes)):
        node = nearest.argmax()
        if not nearest[node] > 0:
            break
        chosen.append(node)
        nearest = torch.minimum(nearest, reach(node))
    return torch.stack(chosen)


def shortened_through_each_other(
    known: Float[Tensor, "l m"], landmarks: Int[Tensor, "l"]
) -> Float[Tensor, "l m"]:
    """Distances from landmarks, or of ways through another one that are shorter; NaN if none."""
    between = known[:, landmarks]
    between = triangle_closure(torch.fmin(between, between.T))
    best = known
    for way, distances in zip(between.T, known, strict=True):
        best = torch.fmin(best, way[:, None] + distances)
    return torch.where(best.isfinite(), best, torch.nan)
