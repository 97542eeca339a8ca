"""Knowing a sample again that a distribution has drawn itself."""

from typing import final

from torch import Tensor


@final
class OwnSample:
    """The sample drawn last, until it is changed.

    Args:
        point: as it was drawn.
    """

    def __init__(self, point: Tensor) -> None:
        self._point, self._version = point, _version(point)

    def is_value(self, value: Tensor) -> bool:
        """Whether this is the same object, not written to since, and no variable by itself.

        The density of a variable, `sample.requires_grad_()`, has a derivative in the point, which
        what the distribution kept beside it knows nothing of.
        """
        return (
            value is self._point
            and _version(value) == self._version
            and not (value.is_leaf and value.requires_grad)
        )


def _version(point: Tensor) -> int:
    return 0 if point.is_inference() else point._version
