"""The interface of every latent space."""

from abc import ABC, abstractmethod

from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Distribution

from geolatent.metrics import Metric


class LatentSpace(nn.Module, ABC):
    """What a model assumes of its codes: prior, posterior, and what "straight" means.

    A latent *point* x lives on the space's manifold, in ambient coordinates `(*b, n)`; its *code*
    z are coordinates in Rᵈ, `(*b, d)`, one chart for the whole space. Distributions are over
    points; metrics, paths and plots are over codes. On a Euclidean space the two are the same.

    Attributes:
        dim: d, the dimension of the space.
        parameter_size: how many numbers an encoder emits for one posterior.
        feature_size: how many numbers a decoder receives for one point.
    """

    dim: int
    parameter_size: int
    feature_size: int

    @property
    @abstractmethod
    def metric(self) -> Metric:
        """The assumed geometry, on codes."""

    @abstractmethod
    def prior(self) -> Distribution:
        """p(x) over points; event shape `(n,)`."""

    @abstractmethod
    def posterior(self, parameters: Float[Tensor, "*b k"]) -> Distribution:
        """q(x | parameters) over points, with the prior's reference measure."""

    @abstractmethod
    def location(self, parameters: Float[Tensor, "*b k"]) -> Float[Tensor, "*b d"]:
        """The code of the posterior's location."""

    @abstractmethod
    def features(self, x: Float[Tensor, "*b n"]) -> Float[Tensor, "*b f"]:
        """What the decoder receives for a point."""

    @abstractmethod
    def point(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b n"]:
        """The point with code z."""

    @abstractmethod
    def code(self, x: Float[Tensor, "*b n"]) -> Float[Tensor, "*b d"]:
        """The code of a point: the inverse of `point`."""
