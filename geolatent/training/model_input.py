"""Data as a model takes them."""

import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.models import VAE
from geolatent.training.evaluation_mode import evaluation_mode
from geolatent.training.random_state import isolated_random


def model_input(model: VAE, data: Float[Tensor, "n p"], *, name: str) -> Float[Tensor, "n p"]:
    """Bring data to a model's device and dtype, if the model can describe them.

    Args:
        model: the model; its first floating-point parameter decides.
        data: shape (n, p).
        name: what the data are called in messages.

    Returns:
        The data, the same tensor if nothing changes.

    Raises:
        ValueError: the width is not the model's, or the likelihood cannot describe the values.
    """
    like = next(parameter for parameter in model.parameters() if parameter.is_floating_point())
    with torch.no_grad(), isolated_random(0), evaluation_mode(model):
        codes = torch.zeros(1, model.latent.dim, device=like.device, dtype=like.dtype)
        width = model.decode(codes).shape[-1]
        if data.shape[1] != width:
            raise ValueError(
                f"{name}: the data have shape {tuple(data.shape)}, but the model describes items "
                f"of shape ({width},). Build the model for {data.shape[1]} features, or flatten or "
                "crop the data."
            )
        x = data.to(device=like.device, dtype=like.dtype)
        try:
            model.encode(x[:1])
        except RuntimeError as error:
            raise ValueError(
                f"{name}: the encoder does not take items of shape ({width},), which the decoder "
                f"emits: {error}"
            ) from error
    model.likelihood.validate(x)
    return x
