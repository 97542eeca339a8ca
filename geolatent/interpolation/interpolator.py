"""The interface of every way of getting from one code to another."""

from abc import ABC, abstractmethod

from jaxtyping import Float
from torch import Tensor

from geolatent.geodesics import Path
from geolatent.latents import LatentModel

SEGMENTS = 32
"""Segments of every path: what is compared is the route, not the resolution."""


class Interpolator(ABC):
    """A rule that joins codes by curves, measured in the metric that the decoder induces.

    The rule has its settings and no model: it is what a configuration file describes.
    """

    @abstractmethod
    def __call__(
        self,
        model: LatentModel,
        start: Float[Tensor, "b d"],
        end: Float[Tensor, "b d"],
        *,
        codes: Float[Tensor, "m d"] | None = None,
    ) -> Path:
        """Paths from each start to its end.

        Args:
            model: whose codes they are.
            start: codes, `(b, d)`.
            end: codes, `(b, d)`.
            codes: of data, `(m, d)`, for the rules that go where data are.

        Returns:
            The curves, measured in `model.induced_metric()`; those that the rule could not find
            are not `converged`.

        Raises:
            ValueError: the rule needs `codes` and has none, or does not apply to the model.
        """


def require_codes(codes: Tensor | None, rule: str) -> Tensor:
    """The codes, or `ValueError` if there are none."""
    if codes is None:
        raise ValueError(
            f"a {rule} goes where data are: pass codes=, the codes of the training data, or data= "
            "with a model that has an encoder."
        )
    return codes
