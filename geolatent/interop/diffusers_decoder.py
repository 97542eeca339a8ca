"""Autoencoders of diffusers."""

import math
from typing import Any, final

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from typing_extensions import override


@final
class DiffusersDecoder(nn.Module):
    """An autoencoder of diffusers as a map from flat codes to pictures.

    A code is one whole latent picture, its channels and pixels in a row, as the encoder gives it:
    **not** multiplied by the `scaling_factor` of the configuration, which is for diffusion in the
    latents. Lengths are in units of pixel values, which go from −1 to 1.

    Args:
        autoencoder: an `AutoencoderKL` or another with `decode`, in evaluation mode.
        latent_shape: of one latent picture, `(c, h, w)`.

    References:
        Rombach, R. et al. (2022). High-resolution image synthesis with latent diffusion models.
        arXiv 2112.10752.
    """

    def __init__(self, autoencoder: Any, latent_shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.autoencoder = autoencoder
        self.latent_shape = latent_shape

    @override
    def forward(self, z: Float[Tensor, "b d"]) -> Float[Tensor, "b c h w"]:
        if z.shape[-1] != math.prod(self.latent_shape):
            raise ValueError(
                f"codes have {z.shape[-1]} numbers but latent_shape={self.latent_shape} has "
                f"{math.prod(self.latent_shape)}."
            )
        # torch's other kernels for attention have no derivatives in forward mode.
        with sdpa_kernel(SDPBackend.MATH):
            picture: Tensor = self.autoencoder.decode(z.reshape(-1, *self.latent_shape)).sample
        return picture
