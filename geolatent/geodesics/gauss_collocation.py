"""Polynomials through Gauss-Legendre nodes, as matrices on [0, 1]."""

from dataclasses import dataclass
from functools import lru_cache
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from numpy.polynomial import legendre
from numpy.typing import ArrayLike
from torch import Tensor


@final
@dataclass(frozen=True)
class GaussCollocation:
    """Integrals of the polynomial of degree n − 1 through values at n nodes in (0, 1).

    Attributes:
        times: the nodes.
        weights: of the integral over [0, 1].
        coefficients: of the Legendre polynomials of degrees 0 to n − 1, from values.
        integral: from 0 to each node.
        position: of the curve whose second derivative has the values, zero at both ends; at the
            nodes.
        velocity: its derivative at the nodes.
        initial_velocity: its derivative at 0.
    """

    times: Float[Tensor, "n"]
    weights: Float[Tensor, "n"]
    coefficients: Float[Tensor, "n n"]
    integral: Float[Tensor, "n n"]
    position: Float[Tensor, "n n"]
    velocity: Float[Tensor, "n n"]
    initial_velocity: Float[Tensor, "n"]


@lru_cache(maxsize=16)
def gauss_collocation(count: int, dtype: torch.dtype, device: torch.device) -> GaussCollocation:
    """The matrices for a number of nodes."""
    x, weights = legendre.leggauss(count)
    degrees = np.arange(count)
    basis = legendre.legvander(x, count - 1)
    coefficients = (degrees + 0.5)[:, None] * (basis * weights[:, None]).T
    # On [0, 1] an integral is half of that on [−1, 1].
    once = legendre.legint(coefficients, lbnd=-1, axis=0) / 2
    twice = legendre.legint(once, lbnd=-1, axis=0) / 2
    total = legendre.legval(1.0, twice)
    integral = legendre.legval(x, once).T
    times = (x + 1) / 2

    def tensor(values: ArrayLike) -> Tensor:
        return torch.tensor(np.asarray(values), dtype=dtype, device=device)

    return GaussCollocation(
        times=tensor(times),
        weights=tensor(weights / 2),
        coefficients=tensor(coefficients),
        integral=tensor(integral),
        position=tensor(legendre.legval(x, twice).T - times[:, None] * total),
        velocity=tensor(integral - total),
        initial_velocity=tensor(-total),
    )


def resample(values: Float[Tensor, "b n d"], count: int) -> Float[Tensor, "b m d"]:
    """The polynomial through values at Gauss nodes, at the nodes of another number."""
    old = gauss_collocation(values.shape[1], values.dtype, values.device)
    new = gauss_collocation(count, values.dtype, values.device)
    basis = legendre.legvander(2 * new.times.double().cpu().numpy() - 1, values.shape[1] - 1)
    return torch.as_tensor(basis).to(values) @ (old.coefficients @ values)
