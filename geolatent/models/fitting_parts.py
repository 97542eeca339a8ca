"""Which parts of a model belong together."""

from torch import nn

from geolatent.latents import (
    LatentSpace,
    LearnedPriorSpace,
    RiemannianNormalSpace,
    WrappedNormalSpace,
)
from geolatent.likelihoods import Ensemble, HeteroscedasticGaussian, Likelihood
from geolatent.manifolds import ConstantCurvature
from geolatent.networks import ConvolutionalDecoder, EnsembleDecoder, Gyroplane, RbfPrecisionDecoder


def require_fitting_parts(latent: LatentSpace, decoder: nn.Module, likelihood: Likelihood) -> None:
    """Refuse parts whose numbers fit each other and whose meanings do not.

    Args:
        latent: the space.
        decoder: what receives its features; modules that are not ours may be anything.
        likelihood: what receives the decoder's.

    Raises:
        ValueError: a gyroplane layer does not get the coordinates of its manifold, or a decoder
            emits features of another likelihood.
    """
    kind, given = type(decoder).__name__, type(likelihood).__name__
    if isinstance(decoder, EnsembleDecoder) and not isinstance(likelihood, Ensemble):
        raise ValueError(
            f"{kind} emits features of several decoders, which {given} would take for those of "
            "one: wrap the likelihood in an Ensemble (likelihood=ensemble)."
        )
    if isinstance(decoder, EnsembleDecoder) and len(decoder.members) != likelihood.members:
        raise ValueError(
            f"the decoder has {len(decoder.members)} members and the likelihood "
            f"{likelihood.members}: give both the same number."
        )
    if isinstance(decoder, RbfPrecisionDecoder) and not isinstance(
        likelihood, HeteroscedasticGaussian
    ):
        raise ValueError(
            f"{kind} emits means and log scales, which {given} would take for something else: use "
            "HeteroscedasticGaussian (likelihood=gaussian_rbf)."
        )
    if isinstance(likelihood, Ensemble) and isinstance(
        decoder, nn.Sequential | ConvolutionalDecoder
    ):
        raise ValueError(
            f"{kind} is one network, whose outputs {given} would take for those of several that "
            "were trained apart: use EnsembleDecoder (network=mlp_ensemble or "
            "network=convolutional_ensemble)."
        )
    for layer in decoder.modules():
        if isinstance(layer, Gyroplane):
            _require_coordinates(latent, layer)


def _require_coordinates(latent: LatentSpace, layer: Gyroplane) -> None:
    space = latent.space if isinstance(latent, LearnedPriorSpace) else latent
    if not isinstance(space, WrappedNormalSpace | RiemannianNormalSpace):
        raise ValueError(
            f"a gyroplane layer takes points of {layer.manifold}, which {type(space).__name__} "
            "does not give: use a hyperbolic space, or linear layers (network=mlp)."
        )
    if space.feature_kind != "ambient":
        raise ValueError(
            "a gyroplane layer takes points, but this space gives tangent vectors: use "
            "features='ambient' (latent=poincare), or linear layers (network=mlp)."
        )
    manifold = space.manifold
    same_curvature = isinstance(manifold, ConstantCurvature) and float(manifold.curvature) == float(
        layer.manifold.curvature
    )
    if type(manifold) is not type(layer.manifold) or not same_curvature:
        raise ValueError(
            f"a gyroplane layer of {layer.manifold} cannot take points of {manifold}: give it the "
            "manifold of the latent space."
        )
