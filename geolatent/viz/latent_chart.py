"""Where on the page a code is drawn."""

from abc import ABC, abstractmethod

from jaxtyping import Float
from torch import Tensor

from geolatent.metrics import Metric

Extent = tuple[float, float, float, float]


class LatentChart(ABC):
    """A map between codes and the page, which has two dimensions.

    Attributes:
        labels: what the two axes of the page are; empty where the page has no axes.
        caption: what a reader has to know about the page; empty if nothing.
        round: whether the space fills the unit disk of the page.
    """

    labels: tuple[str, str]
    caption: str
    round: bool

    @abstractmethod
    def to_page(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b 2"]:
        """Where codes are drawn."""

    @abstractmethod
    def from_page(self, w: Float[Tensor, "*b 2"]) -> Float[Tensor, "*b d"]:
        """The codes drawn at w; NaN where there are none."""

    @abstractmethod
    def extent(self, z: Float[Tensor, "m d"], must_show: Float[Tensor, "k d"]) -> Extent:
        """Left, right, bottom and top of a picture of codes z in which `must_show` is complete."""

    @abstractmethod
    def surface(self, metric: Metric) -> Metric:
        """The metric of the surface that is drawn, in two coordinates."""

    @abstractmethod
    def on_surface(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b 2"]:
        """The coordinates of codes on that surface, to which codes off it are projected."""

    @abstractmethod
    def from_surface(self, w: Float[Tensor, "*b 2"]) -> Float[Tensor, "*b d"]:
        """The codes with these coordinates."""
