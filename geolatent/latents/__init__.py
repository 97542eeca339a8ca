"""Latent spaces, and what a model has to say about its codes."""

from geolatent.latents.euclidean_space import EuclideanSpace
from geolatent.latents.latent_model import (
    BareDecoder,
    LatentModel,
    UncertainModel,
    as_latent_model,
)
from geolatent.latents.latent_space import LatentSpace
from geolatent.latents.wrapped_normal_space import WrappedNormalSpace

__all__ = [
    "BareDecoder",
    "EuclideanSpace",
    "LatentModel",
    "LatentSpace",
    "UncertainModel",
    "WrappedNormalSpace",
    "as_latent_model",
]
