"""geomstats: a boundary value problem, or a discrete energy, for one pair, in float64."""

import copy
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, final

import numpy as np
import torch
from jaxtyping import Float
from solver import Curves, Solver, through_nodes
from torch import Tensor, nn
from torch.func import jacfwd, vmap
from typing_extensions import override


@final
class GeomstatsSolver(Solver):
    """`LogODESolver` or `PathStraightening` on an `ImmersedSet`.

    Its own Jacobians are replaced by torch's forward-mode ones, which are faster. Its pytorch
    backend wants float64 as the default dtype; that is undone after each call.
    """

    def __init__(
        self,
        name: str,
        *,
        method: Literal["ode", "straightening"],
        nodes: int,
        **limits: float,
    ) -> None:
        super().__init__(name, one_by_one=True, **limits)
        self._method, self._nodes = method, nodes

    @override
    def solve(
        self, decoder: nn.Module, start: Float[Tensor, "b d"], end: Float[Tensor, "b d"]
    ) -> Curves:
        os.environ.setdefault("GEOMSTATS_BACKEND", "pytorch")  # read on import; has derivatives
        with _double_by_default():
            logging.getLogger().setLevel(logging.ERROR)  # importing it turns everything on
            from geomstats.numerics.geodesic import LogODESolver, PathStraightening

            space = _immersed(copy.deepcopy(decoder).double(), start.shape[1])
            if self._method == "ode":
                solver = LogODESolver(space, n_nodes=self._nodes, use_jac=False)
            else:
                solver = PathStraightening(space, n_nodes=self._nodes)
            paths = [
                solver.geodesic_bvp(q, p) for p, q in zip(start.double(), end.double(), strict=True)
            ]

        def curves(t: Float[np.ndarray, "s"]) -> Float[np.ndarray, "b s d"]:
            with _double_by_default():
                if self._method == "ode":
                    at = torch.as_tensor(t)
                    return np.stack([np.asarray(path(at)).reshape(len(t), -1) for path in paths])
                # The discrete path itself, not the chords that it puts between its nodes.
                at = torch.linspace(0, 1, self._nodes)
                return through_nodes(torch.stack([path(at) for path in paths]))(t)

        return curves


@contextmanager
def _double_by_default() -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def _immersed(decoder: nn.Module, dim: int):
    from geomstats.geometry.base import ImmersedSet
    from geomstats.geometry.euclidean import Euclidean

    features = decoder(torch.zeros(1, dim)).shape[-1]

    class Decoded(ImmersedSet):
        def _define_embedding_space(self):
            return Euclidean(features)

        def immersion(self, point):
            return decoder(point)

        def jacobian_immersion(self, base_point):
            return _per_point(jacfwd(decoder), base_point)

        def hessian_immersion(self, base_point):
            return _per_point(jacfwd(jacfwd(decoder)), base_point)

        def projection(self, point):
            raise TypeError("no solver here projects")

        def to_tangent(self, vector, base_point):
            raise TypeError("no solver here projects")

        def random_point(self, n_samples=1, bound=1.0):
            raise TypeError("no solver here draws points")

    return Decoded(dim)


def _per_point(function, points: Tensor) -> Tensor:
    return function(points) if points.ndim == 1 else vmap(function)(points)
