"""Where an effect is what it should be."""

from collections.abc import Callable

_HALVINGS = 14


def solve(
    effect: Callable[[float], float], target: float, low: float, high: float, *, falls: bool = False
) -> float:
    """The number at which a monotone effect is the target, by bisection.

    Args:
        effect: of one number.
        target: what it should be.
        low: where it is less, or more if it falls.
        high: where it is more, or less if it falls.
        falls: whether the effect falls as the number grows.

    Raises:
        ValueError: the effect does not reach the target in between.
    """
    ends = sorted((low, high), reverse=falls)
    least, greatest = (effect(end) for end in ends)
    if not least <= target <= greatest:
        raise ValueError(
            f"the effect is {least:.3g} at {ends[0]:g} and {greatest:.3g} at {ends[1]:g}, and "
            f"{target:g} is not in between."
        )
    below, above = ends
    for _ in range(_HALVINGS):
        middle = (below + above) / 2
        below, above = (middle, above) if effect(middle) < target else (below, middle)
    return (below + above) / 2
