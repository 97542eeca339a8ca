"""stochman: cubic splines with few nodes, fitted by Adam."""

from typing import final

import numpy as np
import torch
from jaxtyping import Float
from solver import Curves, Solver
from torch import Tensor, nn
from typing_extensions import override

from geolatent.metrics import forward_jacobian


@final
class StochmanSolver(Solver):
    """`Manifold.connecting_geodesic`, or its function with settings of our choice.

    References:
        Detlefsen, N. S. et al., StochMan, https://github.com/MachineLearningLifeScience/stochman
    """

    def __init__(
        self,
        name: str,
        *,
        iterations: int | None = None,
        nodes: int = 10,
        grid: int = 64,
        **limits: float,
    ) -> None:
        super().__init__(name, **limits)
        self._iterations, self._nodes, self._grid = iterations, nodes, grid

    @override
    def solve(
        self, decoder: nn.Module, start: Float[Tensor, "b d"], end: Float[Tensor, "b d"]
    ) -> Curves:
        from stochman.curves import CubicSpline
        from stochman.geodesic import geodesic_minimizing_energy
        from stochman.manifold import EmbeddedManifold

        class Decoded(EmbeddedManifold):
            def embed(self, points: Tensor, jacobian: bool = False):
                image = decoder(points)
                if not jacobian:
                    return image
                return image, forward_jacobian(decoder, points.reshape(-1, points.shape[-1]))[1]

        if self._iterations is None:
            curve, _ = Decoded().connecting_geodesic(start, end)
        else:
            curve = CubicSpline(start, end, num_nodes=self._nodes)
            geodesic_minimizing_energy(
                curve, Decoded(), max_iter=self._iterations, eval_grid=self._grid
            )

        @torch.no_grad()
        def curves(t: Float[np.ndarray, "s"]) -> Float[np.ndarray, "b s d"]:
            codes = curve(torch.as_tensor(t, dtype=start.dtype))
            return codes.reshape(len(start), len(t), -1).numpy().astype(np.float64)

        return curves
