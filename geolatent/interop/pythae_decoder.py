"""Decoders of pythae."""

from typing import Any, final

from jaxtyping import Float
from torch import Tensor, nn
from typing_extensions import override


@final
class PythaeDecoder(nn.Module):
    """The decoder of a model of pythae as a map from codes to data.

    pythae's decoders return a dictionary; lengths are in the units of its entry `reconstruction`,
    which is the mean of a Gaussian of scale 1 if the model's `reconstruction_loss` is `"mse"`.

    Args:
        model: any model with a `decoder`, in evaluation mode.

    References:
        Chadebec, C., Vincent, L. J., Allassonnière, S. (2022). Pythae: unifying generative
        autoencoders in Python. arXiv 2206.08309.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.decoder: nn.Module = model.decoder

    @override
    def forward(self, z: Float[Tensor, "b d"]) -> Float[Tensor, "b *p"]:
        reconstruction: Tensor = self.decoder(z)["reconstruction"]
        return reconstruction
