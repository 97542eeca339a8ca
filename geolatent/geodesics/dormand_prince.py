"""The explicit Runge-Kutta method of order 8 of Dormand and Prince, as tensors."""

from dataclasses import dataclass
from functools import lru_cache
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from scipy.integrate import DOP853
from torch import Tensor

STAGES = 12
"""Evaluations that a step takes; the last, at its end, is also the first of the next."""

CONTROL_ORDER = 8
"""The step's estimated error shrinks like this power of its length."""


@final
@dataclass(frozen=True)
class DormandPrince:
    """Coefficients of the method; a row weights the derivatives at the stages before it.

    Attributes:
        stages: of the twelve stages; the first row is zero.
        end: of the step's end.
        error3: of the error estimate of order 3.
        error5: of the error estimate of order 5.
        extra: of the three further stages that dense output takes.
        dense: of the four highest terms of the dense output.

    References:
        Hairer, E., Nørsett, S. P., Wanner, G. (1993). Solving Ordinary Differential Equations I,
        section II.5.
    """

    stages: Float[Tensor, "12 12"]
    end: Float[Tensor, "12"]
    error3: Float[Tensor, "13"]
    error5: Float[Tensor, "13"]
    extra: Float[Tensor, "3 16"]
    dense: Float[Tensor, "4 16"]


@lru_cache(maxsize=16)
def dormand_prince(dtype: torch.dtype, device: torch.device) -> DormandPrince:
    """The coefficients, which scipy publishes with its solver of the same name."""

    def tensor(values: np.ndarray) -> Tensor:
        return torch.tensor(np.asarray(values), dtype=dtype, device=device)

    return DormandPrince(
        stages=tensor(DOP853.A),
        end=tensor(DOP853.B),
        error3=tensor(DOP853.E3),
        error5=tensor(DOP853.E5),
        extra=tensor(DOP853.A_EXTRA),
        dense=tensor(DOP853.D),
    )


def interpolant(
    method: DormandPrince,
    before: Float[Tensor, "b k"],
    after: Float[Tensor, "b k"],
    step: Float[Tensor, "b"],
    derivatives: Float[Tensor, "b 16 k"],
    fraction: Float[Tensor, "b t"],
) -> Float[Tensor, "b t k"]:
    """States inside a step, to order 7.

    Args:
        method: the coefficients.
        before: state at the start of the step.
        after: state at its end.
        step: its length.
        derivatives: at the 13 stages and the 3 further ones.
        fraction: of the step, in [0, 1].
    """
    scaled = step[:, None, None] * derivatives
    difference = after - before
    first, last = scaled[:, 0], scaled[:, 12]
    terms = [difference, first - difference, 2 * difference - (last + first)]
    terms += list((method.dense @ scaled).unbind(1))
    x = fraction.unsqueeze(-1)
    value = torch.zeros_like(x * difference.unsqueeze(1))
    for index, term in enumerate(reversed(terms)):
        value = (value + term.unsqueeze(1)) * (x if index % 2 == 0 else 1 - x)
    return before.unsqueeze(1) + value
