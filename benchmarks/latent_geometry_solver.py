"""latent-geometry: a boundary value problem for one pair, by collocation."""

from typing import final

import numpy as np
from jaxtyping import Float
from solver import Curves, Solver
from torch import Tensor, nn
from typing_extensions import override


@final
class LatentGeometrySolver(Solver):
    """`LatentManifold.shortest_path` with its default tolerance and mesh.

    References:
        https://pypi.org/project/latent-geometry
    """

    @override
    def solve(
        self, decoder: nn.Module, start: Float[Tensor, "b d"], end: Float[Tensor, "b d"]
    ) -> Curves:
        from latent_geometry.manifold import LatentManifold
        from latent_geometry.mapping.torch import TorchModelMapping
        from latent_geometry.metric import EuclideanMetric

        features = decoder(start[:1]).shape[-1]
        mapping = TorchModelMapping(decoder, (start.shape[1],), (features,), batch_size=512)
        manifold = LatentManifold(mapping, EuclideanMetric())
        a, b = start.double().numpy(), end.double().numpy()
        paths = [manifold.shortest_path(p, q) for p, q in zip(a, b, strict=True)]

        def curves(t: Float[np.ndarray, "s"]) -> Float[np.ndarray, "b s d"]:
            return np.stack([np.stack([path(time) for time in t]) for path in paths])

        return curves
