"""Products of latent spaces."""

from collections.abc import Iterable, Sequence
from typing import cast, final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Distribution
from typing_extensions import override

from geolatent.distributions import ProductDistribution
from geolatent.latents.data_dependent import DataDependent
from geolatent.latents.latent_space import LatentSpace
from geolatent.manifolds import Euclidean, Manifold, Product
from geolatent.metrics import EuclideanMetric, ManifoldMetric, Metric


@final
class ProductSpace(LatentSpace):
    r"""Assumes independent parts of a code, each with a geometry of its own.

    .. math:: p(x) = \prod_i p_i(x_i), \qquad d(x, y)^2 = \sum_i d_i(x_i, y_i)^2

    Prior and posterior are products of those of the parts; parameters, points, codes and features
    are theirs, concatenated in their order. With a hyperbolic, a spherical and a flat part, and
    `learn_curvature=True` in their manifolds, this is the mixed-curvature autoencoder: how much of
    each sign of curvature the data want is learned.

    The spherical part has a power spherical posterior and, with `prior_scale`, a von Mises-Fisher
    prior where Skopek et al. wrap normals. They tend to the same normals for K → 0, and K is
    learned against the scale of the prior; but the density of a normal wrapped around a sphere,
    summed over its windings, has poles at the location and opposite to it, and its first term alone
    is not a density.

    Args:
        spaces: the parts, one or more, of constant curvature or products themselves.

    Raises:
        ValueError: there are none.
        TypeError: the geometry of a part is not that of a known manifold, or a part looks at
            training data.

    References:
        Skopek, O., Ganea, O.-E., Bécigneul, G. (2020). Mixed-curvature variational autoencoders.
        arXiv 1911.08411.
    """

    def __init__(self, spaces: Sequence[LatentSpace]) -> None:
        super().__init__()
        if not spaces:
            raise ValueError("a product needs at least one latent space, got none.")
        for space in spaces:
            if isinstance(space, DataDependent):
                raise TypeError(
                    f"a {type(space).__name__} looks at training data, which a product does not "
                    "show to its parts; give the whole product a learned prior instead."
                )
        self._metric = ManifoldMetric(Product([_manifold(space) for space in spaces]))
        self.parts = nn.ModuleList(spaces)
        self.dim = sum(space.dim for space in spaces)
        self.parameter_size = sum(space.parameter_size for space in spaces)
        self.feature_size = sum(space.feature_size for space in spaces)

    @property
    def spaces(self) -> tuple[LatentSpace, ...]:
        """The parts, in the order of their codes."""
        return tuple(cast(LatentSpace, part) for part in self.parts)

    @property
    @override
    def metric(self) -> Metric:
        return self._metric

    @override
    def prior(self) -> Distribution:
        return ProductDistribution([space.prior() for space in self.spaces])

    @override
    def posterior(self, parameters: Float[Tensor, "*b k"]) -> Distribution:
        parts = self._split_parameters(parameters)
        return ProductDistribution([space.posterior(part) for space, part in parts])

    @override
    def location(self, parameters: Float[Tensor, "*b k"]) -> Float[Tensor, "*b d"]:
        parts = self._split_parameters(parameters)
        return torch.cat([space.location(part) for space, part in parts], dim=-1)

    @override
    def features(self, x: Float[Tensor, "*b n"]) -> Float[Tensor, "*b f"]:
        parts = zip(self.spaces, self._product.split_points(x), strict=True)
        return torch.cat([space.features(part) for space, part in parts], dim=-1)

    @override
    def point(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b n"]:
        return self._metric.point(z)

    @override
    def code(self, x: Float[Tensor, "*b n"]) -> Float[Tensor, "*b d"]:
        return self._metric.code(x)

    @property
    def _product(self) -> Product:
        return cast(Product, self._metric.manifold)

    def _split_parameters(self, parameters: Tensor) -> Iterable[tuple[LatentSpace, Tensor]]:
        sizes = [space.parameter_size for space in self.spaces]
        return zip(self.spaces, parameters.split(sizes, dim=-1), strict=True)


def _manifold(space: LatentSpace) -> Manifold:
    """The manifold whose normal coordinates a space's codes are."""
    metric = space.metric
    if isinstance(metric, ManifoldMetric):
        return metric.manifold
    if isinstance(metric, EuclideanMetric):
        return Euclidean(space.dim)
    raise TypeError(
        f"{type(space).__name__} assumes a {type(metric).__name__}, but a product needs the closed "
        "forms of a manifold: use spaces of constant curvature."
    )
