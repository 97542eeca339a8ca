"""What the tools need to know of a model, and how a bare decoder answers it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import final

from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Distribution
from typing_extensions import override

from geolatent.metrics import EuclideanMetric, Metric, PullbackMetric


class LatentModel(ABC):
    """A model with codes: the subject of comparisons and audits."""

    @abstractmethod
    def assumed_metric(self) -> Metric:
        """The geometry that the model declares for its codes."""

    @abstractmethod
    def induced_metric(self) -> Metric:
        """The geometry that its decoder gives to them."""

    @abstractmethod
    def decode(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b p"]:
        """The data (their mean, where the model has a distribution) at codes z."""


class EncodingModel(LatentModel, ABC):
    """A model that also has an encoder: what a prior may depend on."""

    @abstractmethod
    def posterior(self, x: Float[Tensor, "*b p"]) -> Distribution:
        """q(point | x)."""


class GenerativeModel(EncodingModel, ABC):
    """A model of which all distributions are known: what a bound on log p(x) is made of."""

    @abstractmethod
    def prior(self) -> Distribution:
        """p(point), as the networks are now."""

    @abstractmethod
    def distribution_at(self, point: Float[Tensor, "*b n"]) -> Distribution:
        """p(x | point)."""


class CodingModel(LatentModel, ABC):
    """A model that also says where data lie among its codes."""

    @abstractmethod
    def encode(self, x: Float[Tensor, "*b p"]) -> Float[Tensor, "*b d"]:
        """The code of each x."""


class ScoringModel(LatentModel, ABC):
    """A model that also says how well it explains data."""

    @abstractmethod
    def evidence_bound(
        self, x: Float[Tensor, "*b p"], *, draws: int, seed: int
    ) -> Float[Tensor, "*b"]:
        """A lower bound of log p(x) in nats, as an average over draws.

        Args:
            x: data, `(*b, p)`.
            draws: how many from each posterior.
            seed: of the draws; the caller's random state stays as it was.

        Raises:
            ValueError: x are no data for the model's likelihood.
        """


class UncertainModel(LatentModel, ABC):
    """A model that also says how uncertain it is of what it decodes."""

    @abstractmethod
    def uncertainty(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b"]:
        """Root mean square standard deviation of p(x | z) over the data features."""


@final
class BareDecoder(LatentModel):
    """A decoder that we did not train: assumed flat, as its users do.

    Args:
        decoder: any callable `(*b, d) -> (*b, ...)`.
    """

    def __init__(self, decoder: Callable[[Tensor], Tensor]) -> None:
        self._metric = PullbackMetric(decoder)

    @override
    def assumed_metric(self) -> Metric:
        return EuclideanMetric()

    @override
    def induced_metric(self) -> Metric:
        return self._metric

    @override
    def decode(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b p"]:
        return self._metric.immersion(z)


def as_latent_model(subject: LatentModel | nn.Module | Callable[[Tensor], Tensor]) -> LatentModel:
    """The subject itself if it is a `LatentModel`, else a `BareDecoder` of it.

    Raises:
        TypeError: the subject is neither a model nor callable.
    """
    if isinstance(subject, LatentModel):
        return subject
    if not callable(subject):
        raise TypeError(
            f"expected a model or a decoder (a callable from codes to data), got {type(subject)}."
        )
    return BareDecoder(subject)
