"""Interface of decoders whose uncertainty is fitted in a second stage."""

from abc import ABC, abstractmethod

from jaxtyping import Float
from torch import Tensor, nn


class UncertaintyFitted(ABC):
    """A decoder whose uncertainty is fitted after everything else has been trained.

    The training loop calls `begin_uncertainty_fit` once between its two stages and then trains
    only the parameters it returns.
    """

    @abstractmethod
    def begin_uncertainty_fit(self, inputs: Float[Tensor, "m f"]) -> list[nn.Parameter]:
        """Set the uncertainty up on the decoder's inputs at the codes of the training data.

        Args:
            inputs: what this decoder receives for the training data, `(m, f)`.

        Returns:
            The parameters that the second stage trains.
        """
