"""Independent distributions on the factors of a product."""

from collections.abc import Sequence
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution, constraints, kl_divergence
from torch.distributions.kl import register_kl
from typing_extensions import override

from geolatent.distributions.own_sample import OwnSample


@final
class ProductDistribution(Distribution):
    r"""Independent distributions, their points concatenated.

    .. math:: \log q(x) = \sum_i \log q_i(x_i)

    with respect to the product of the factors' reference measures: the Riemannian volume of a
    product of manifolds, if each has that of its own.

    Args:
        factors: distributions of vectors, of the same batch shape.

    Raises:
        ValueError: there are none, their batch shapes differ, or one is not over vectors.
    """

    arg_constraints = {}
    support = constraints.real_vector

    def __init__(self, factors: Sequence[Distribution]) -> None:
        shapes = [(factor.batch_shape, factor.event_shape) for factor in factors]
        if len({batch for batch, _ in shapes}) != 1 or any(len(event) != 1 for _, event in shapes):
            raise ValueError(
                "the factors of a product need one batch shape and events that are vectors, got "
                f"(batch, event) {[(tuple(b), tuple(e)) for b, e in shapes]}."
            )
        self.factors = tuple(factors)
        self._last_sample: tuple[OwnSample, tuple[Tensor, ...]] | None = None
        self._sizes = [event[0] for _, event in shapes]
        event_shape = torch.Size((sum(self._sizes),))
        super().__init__(shapes[0][0], event_shape, validate_args=False)

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        """Whether all factors have reparametrised samples."""
        return all(factor.has_rsample for factor in self.factors)

    @property
    @override
    def mean(self) -> Tensor:
        """Means of the factors."""
        return torch.cat([factor.mean for factor in self.factors], dim=-1)

    @property
    @override
    def mode(self) -> Tensor:
        """Modes of the factors."""
        return torch.cat([factor.mode for factor in self.factors], dim=-1)

    @override
    def expand(self, batch_shape: Any, _instance: Any = None) -> "ProductDistribution":
        return ProductDistribution([factor.expand(batch_shape) for factor in self.factors])

    @override
    def rsample(self, sample_shape: Any = ()) -> Float[Tensor, "*s n"]:
        """Draw points, reparametrised, from torch's global generator.

        Args:
            sample_shape: how many, in front of the batch shape.

        Returns:
            Points, (*sample_shape, *b, n).
        """
        shape = torch.Size(sample_shape)
        parts = tuple(factor.rsample(shape) for factor in self.factors)
        point = torch.cat(parts, dim=-1)
        self._last_sample = OwnSample(point), parts
        return point

    @override
    def log_prob(self, value: Float[Tensor, "*s n"]) -> Float[Tensor, "*s"]:
        """Log density with respect to the product of the factors' reference measures.

        Args:
            value: points, (*s n), broadcast against the batch shape.

        Returns:
            (*s).
        """
        parts = zip(self.factors, self.split(value), strict=True)
        return torch.stack([factor.log_prob(x) for factor, x in parts]).sum(dim=0)

    def split(self, value: Float[Tensor, "*s n"]) -> tuple[Tensor, ...]:
        """The factors' parts of points."""
        # The same objects that a factor has drawn: it knows more of these than their coordinates.
        if self._last_sample is not None and self._last_sample[0].is_value(value):
            return self._last_sample[1]
        return value.split(self._sizes, dim=-1)


@register_kl(ProductDistribution, ProductDistribution)
def _kl_of_products(p: ProductDistribution, q: ProductDistribution) -> Tensor:
    """The sum over the factors, where each is known."""
    pairs = zip(p.factors, q.factors, strict=True)
    return torch.stack(torch.broadcast_tensors(*[kl_divergence(a, b) for a, b in pairs])).sum(dim=0)
