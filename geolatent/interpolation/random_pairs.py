"""Pairs of codes drawn without choosing them."""

import torch
from jaxtyping import Int
from torch import Tensor


def random_pairs(
    population: int, count: int, *, seed: int
) -> tuple[Int[Tensor, "count"], Int[Tensor, "count"]]:
    """Indices of `count` pairs in which no item occurs twice.

    With disjoint ends the pairs are exchangeable and independent given the codes, so that
    intervals over pairs are honest.

    Args:
        population: number of items.
        count: number of pairs.
        seed: of a generator of its own; torch's global state is not touched.

    Returns:
        Indices of the starts and of the ends.

    Raises:
        ValueError: there are fewer than two or `2 count` items, or `count` is below one.
    """
    if population < 2:
        raise ValueError(f"a pair needs two codes but there are {population}.")
    if not 1 <= count <= population // 2:
        raise ValueError(
            f"{count} disjoint pairs need {2 * count} codes but there are {population}; "
            f"ask for 1 to {population // 2} pairs."
        )
    order = torch.randperm(population, generator=torch.Generator().manual_seed(seed))
    return order[:count], order[count : 2 * count]
