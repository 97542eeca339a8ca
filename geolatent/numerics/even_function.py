"""Even functions of x as smooth functions of its square."""

from collections.abc import Callable, Sequence
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor


def even_function(
    square: Float[Tensor, "*b"],
    bound: float,
    series: Callable[[Tensor], Tensor],
    closed_form: Callable[[Tensor], Tensor],
) -> Float[Tensor, "*b"]:
    r"""Evaluate a series in :math:`s = x^2` below a bound and a closed form in x above it.

    Args:
        square: :math:`s \ge 0`, (\*b).
        bound: of s, where the closed form takes over.
        series: of s.
        closed_form: of :math:`x = \sqrt s`.

    Returns:
        (\*b).
    """
    # Each branch gets an argument that is safe for it: a NaN in the branch that is not taken would
    # still reach the gradient, as 0 * NaN.
    near = series(square.clamp(max=bound))
    return torch.where(square < bound, near, closed_form(square.clamp(min=bound).sqrt()))


def polynomial(
    square: Float[Tensor, "*b"], coefficients: Sequence[float], bound: float | None = None
) -> Float[Tensor, "*b"]:
    r"""Horner's rule, with no more terms than the dtype can tell from fewer.

    Args:
        square: the variable, (\*b).
        coefficients: from the constant term up.
        bound: of the variable, where it has one; all terms are summed if None.

    Returns:
        (\*b).
    """
    count = len(coefficients)
    if bound is not None:
        count = _terms(tuple(coefficients), bound, torch.finfo(square.dtype).eps)
    if count == 1:
        return torch.full_like(square, coefficients[0])
    total = square * coefficients[count - 1] + coefficients[count - 2]
    for coefficient in reversed(coefficients[: count - 2]):
        total = total * square + coefficient
    return total


def polynomials(
    variable: Float[Tensor, "*b"], coefficients: tuple[tuple[float, ...], ...], bound: float
) -> tuple[Float[Tensor, "*b"], ...]:
    r"""Several polynomials at once, to be used where nothing is recorded.

    Args:
        variable: between 0 and the bound, (\*b).
        coefficients: of each, as many, from the constant term up, all of one sign.
        bound: of the variable: terms that the dtype cannot tell from zero are left out.

    Returns:
        (\*b), of each.
    """
    exponents, table = _table(coefficients, bound, variable.dtype, variable.device)
    powers = variable[..., None, None] ** exponents
    return (powers * table).sum(dim=-1).unbind(dim=-1)


@lru_cache(maxsize=64)
def _table(
    coefficients: tuple[tuple[float, ...], ...],
    bound: float,
    dtype: torch.dtype,
    device: torch.device,
) -> tuple[Tensor, Tensor]:
    eps = torch.finfo(dtype).eps
    count = max(_terms(row, bound, eps) for row in coefficients)
    exponents = torch.arange(count, dtype=dtype, device=device)
    rows = [row[:count] for row in coefficients]
    return exponents, torch.tensor(rows, dtype=dtype, device=device)


@lru_cache(maxsize=64)
def _terms(coefficients: tuple[float, ...], bound: float, eps: float) -> int:
    """How many terms are needed: float32 takes half of them, which is half of the time."""
    # Two derivatives multiply a term by less than k², relative to the first that they leave.
    needed = [
        k
        for k, coefficient in enumerate(coefficients)
        if (k + 1) ** 2 * abs(coefficient) * bound**k > eps / 8 * abs(coefficients[0])
    ]
    return needed[-1] + 1
