"""The variational autoencoder."""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Distribution
from typing_extensions import override

from geolatent.latents import (
    CodingModel,
    EuclideanSpace,
    GenerativeModel,
    LatentSpace,
    LearnedPriorSpace,
    RhvaeSpace,
    ScoringModel,
    UncertainModel,
)
from geolatent.likelihoods import (
    Gaussian,
    ImmersedLikelihood,
    InformationLikelihood,
    Likelihood,
)
from geolatent.metrics import (
    Chain,
    FisherRaoMetric,
    Metric,
    Part,
    PullbackMetric,
    Scaling,
    parts_of,
)
from geolatent.models.elbo import elbo
from geolatent.models.fitting_parts import require_fitting_parts


@final
class VAE(nn.Module, UncertainModel, CodingModel, ScoringModel, GenerativeModel):
    r"""Encoder, latent space, decoder and likelihood: p(x) = ∫ p(x | z) p(z) dz.

    There is one class. A new geometry is a new `LatentSpace`, a new kind of data a new
    `Likelihood`; nothing else changes.

    Args:
        encoder: `(*b, p) -> (*b, latent.parameter_size)`.
        latent: the assumed geometry.
        decoder: `(*b, latent.feature_size) -> (*b, likelihood.feature_size(p))`.
        likelihood: the distribution of the data.

    Raises:
        ValueError: parts do not belong together; see `require_fitting_parts`.

    References:
        Kingma, D. P., Welling, M. (2014). Auto-encoding variational Bayes. arXiv 1312.6114.
    """

    def __init__(
        self, encoder: nn.Module, latent: LatentSpace, decoder: nn.Module, likelihood: Likelihood
    ) -> None:
        super().__init__()
        require_fitting_parts(latent, decoder, likelihood)
        self.encoder = encoder
        self.latent = latent
        self.decoder = decoder
        self.likelihood = likelihood

    @override
    def prior(self) -> Distribution:
        latent = self.latent
        return latent.prior_of(self) if isinstance(latent, LearnedPriorSpace) else latent.prior()

    @override
    def posterior(self, x: Float[Tensor, "*b p"]) -> Distribution:
        return self.latent.posterior(self.encoder(x))

    @override
    def encode(self, x: Float[Tensor, "*b p"]) -> Float[Tensor, "*b d"]:
        """The codes of the posteriors' locations."""
        return self.latent.location(self.encoder(x))

    def decoder_inputs(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b f"]:
        """What the decoder receives at codes z."""
        return self.latent.features(self.latent.point(z))

    def distribution(self, z: Float[Tensor, "*b d"]) -> Distribution:
        """p(x | z)."""
        return self.likelihood(self.decoder(self.decoder_inputs(z)))

    @override
    def distribution_at(self, point: Float[Tensor, "*b n"]) -> Distribution:
        return self.likelihood(self.decoder(self.latent.features(point)))

    @override
    def evidence_bound(
        self, x: Float[Tensor, "*b p"], *, draws: int, seed: int
    ) -> Float[Tensor, "*b"]:
        self.likelihood.validate(x)
        devices = [x.device] if x.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(seed)
            bounds = [elbo(self, x).elbo().detach() for _ in range(draws)]
        return torch.stack(bounds).mean(0)

    @override
    def decode(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b p"]:
        return self.distribution(z).mean

    @override
    def uncertainty(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b"]:
        return self.distribution(z).variance.mean(-1).sqrt()

    @override
    def assumed_metric(self) -> Metric:
        return self.latent.metric

    @override
    def induced_metric(self) -> Metric:
        """The metric of p(x | z) pulled back through the decoder.

        Fisher-Rao by the likelihood's immersion or, where it has none, by its information matrix;
        the expected metric of a heteroscedastic Gaussian, whose lengths are in the units of the
        data, and of an ensemble.

        Raises:
            ValueError: the decoder is in training mode and has no fixed geometry in it.
            TypeError: the likelihood has neither an immersion nor an information matrix.
        """
        likelihood = self.likelihood
        if isinstance(likelihood, ImmersedLikelihood):
            return PullbackMetric(_ModelImmersion(self, likelihood))
        if isinstance(likelihood, InformationLikelihood):
            return FisherRaoMetric(_ModelFeatures(self), likelihood.information)
        raise TypeError(
            f"{type(likelihood).__name__} says nothing of its geometry: make it an "
            "ImmersedLikelihood or an InformationLikelihood."
        )


@final
class _ModelFeatures(nn.Module):
    """z ↦ h(z), as a module so that its mode can be checked."""

    def __init__(self, model: VAE) -> None:
        super().__init__()
        self.model = model
        self.training = model.training

    @override
    def forward(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b k"]:
        return self.model.decoder(self.model.decoder_inputs(z))


@final
class _ModelImmersion(nn.Module, Chain):
    """z ↦ φ(h(z)), as a module so that its mode can be checked."""

    def __init__(self, model: VAE, likelihood: ImmersedLikelihood) -> None:
        super().__init__()
        self.model = model
        self.likelihood = likelihood
        self.training = model.training

    @override
    def forward(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b q"]:
        model = self.model
        return self.likelihood.immersion(model.decoder(model.decoder_inputs(z)))

    @override
    def parts(self) -> list[Part]:
        model = self.model
        likelihood: Part = self.likelihood.immersion
        if isinstance(model.likelihood, Gaussian):
            likelihood = Scaling(1 / model.likelihood.scale)
        latent = model.latent
        space = latent.space if isinstance(latent, LearnedPriorSpace) else latent
        inputs = [] if isinstance(space, EuclideanSpace | RhvaeSpace) else [model.decoder_inputs]
        return [*inputs, *parts_of(model.decoder), likelihood]


def sample(model: VAE, count: int) -> Float[Tensor, "count p"]:
    """Data drawn from the model: codes from the prior, then data from p(x | z)."""
    with torch.no_grad():
        points = model.prior().sample((count,))
        return model.distribution_at(points).sample()
