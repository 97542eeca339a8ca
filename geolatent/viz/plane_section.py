"""A plane through a latent space of more than two dimensions."""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from geolatent.metrics import ImmersedMetric, Metric, PullbackMetric
from geolatent.viz.latent_chart import Extent, LatentChart
from geolatent.viz.plane_chart import frame


@final
class PlaneSection(LatentChart):
    r"""The codes z = o + w₁ e₁ + w₂ e₂, at one scale; other codes are drawn at their projection.

    Magnification, condition and curvature are those of the surface to which the plane is mapped.

    Args:
        origin: o, `(d,)`.
        directions: two of them, `(2, d)`; made orthonormal, the first keeps its direction.
        labels: of the axes.

    Raises:
        ValueError: the shapes do not fit, or the directions span no plane.
    """

    caption = "codes off the plane are projected"
    round = False

    def __init__(
        self,
        origin: Float[Tensor, " d"],
        directions: Float[Tensor, "2 d"],
        *,
        labels: tuple[str, str] = ("along the plane", "across"),
    ) -> None:
        if origin.dim() != 1 or directions.shape != (2, len(origin)) or len(origin) < 2:
            raise ValueError(
                f"a plane is a point (d,) and two directions (2, d), got {tuple(origin.shape)} and "
                f"{tuple(directions.shape)}."
            )
        basis, triangle = torch.linalg.qr(directions.detach().T)
        size = triangle.diagonal().abs()
        if not bool((size > 1e-6 * torch.linalg.vector_norm(directions, dim=1)).all()):
            raise ValueError("the directions span no plane: one is a multiple of the other.")
        self._origin = origin.detach()
        self._basis = basis * triangle.diagonal().sign()
        self.labels = labels

    @classmethod
    def through(cls, codes: Float[Tensor, "3 d"]) -> "PlaneSection":
        """The plane through three codes: the first is the origin, the second on the first axis."""
        if codes.shape[0] != 3:
            raise ValueError(f"a plane goes through three codes, got {codes.shape[0]}.")
        return cls(
            codes[0],
            codes[1:] - codes[0],
            labels=("towards the second code", "towards the third code"),
        )

    @classmethod
    def principal(cls, codes: Float[Tensor, "m d"]) -> "PlaneSection":
        """The plane of the two directions in which the codes vary most, through their mean."""
        mean = codes.detach().double().mean(0)
        _, sizes, axes = torch.linalg.svd(codes.detach().double() - mean, full_matrices=False)
        shares = (sizes.square() / sizes.square().sum())[:2].tolist()
        first, second = (
            f"axis {k + 1} ({share:.0%} of variance)" for k, share in enumerate(shares)
        )
        # An axis has two directions: the one whose largest entry is positive.
        largest = axes[:2].gather(1, axes[:2].abs().argmax(1, keepdim=True))
        return cls(mean.to(codes), (axes[:2] * largest.sign()).to(codes), labels=(first, second))

    @override
    def to_page(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b 2"]:
        return (z - self._origin.to(z)) @ self._basis.to(z)

    @override
    def from_page(self, w: Float[Tensor, "*b 2"]) -> Float[Tensor, "*b d"]:
        return self._origin.to(w) + w @ self._basis.to(w).T

    @override
    def extent(self, z: Float[Tensor, "m d"], must_show: Float[Tensor, "k d"]) -> Extent:
        return frame(self.to_page(z), self.to_page(must_show))

    @override
    def surface(self, metric: Metric) -> Metric:
        if isinstance(metric, ImmersedMetric):
            return PullbackMetric(lambda w: metric.immersion(self.from_page(w)))
        return _Restricted(metric, self)

    @override
    def on_surface(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b 2"]:
        return self.to_page(z)

    @override
    def from_surface(self, w: Float[Tensor, "*b 2"]) -> Float[Tensor, "*b d"]:
        return self.from_page(w)

    def restrict(self, matrix: Float[Tensor, "*b d d"]) -> Float[Tensor, "*b 2 2"]:
        """EᵀGE."""
        basis = self._basis.to(matrix)
        return basis.T @ matrix @ basis


@final
class _Restricted(Metric):
    """A metric on the vectors of a plane."""

    def __init__(self, metric: Metric, section: PlaneSection) -> None:
        self._metric = metric
        self._section = section

    @override
    def matrix(self, z: Float[Tensor, "*b 2"]) -> Float[Tensor, "*b 2 2"]:
        return self._section.restrict(self._metric.matrix(self._section.from_page(z)))
