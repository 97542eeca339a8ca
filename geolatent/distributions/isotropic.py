"""The interface of distributions that look the same in every direction from their location."""

from abc import ABC, abstractmethod
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.distributions.kl import register_kl
from typing_extensions import override

from geolatent.distributions.checked_entries import check_entries
from geolatent.distributions.own_sample import OwnSample
from geolatent.distributions.uniform import Uniform
from geolatent.manifolds import ConstantCurvature
from geolatent.numerics.safe_norm import safe_norm


class Isotropic(Distribution, ABC):
    r"""A distribution whose density depends on the distance from its location alone.

    .. math:: y = \exp_\mu P_{o \to \mu}(r\,e), \qquad e \sim U(S^{d-1})

    with a radius r of its own distribution. Samples have gradients in the location, in what the
    radius depends on, and in a learned curvature.

    Args:
        manifold: where it lives.
        loc: location :math:`\mu`, points, (\*b n).
        spread: the one number, positive, that says how wide it is, (\*b).
        validate_args: whether to check arguments; torch's default if None.

    Raises:
        ValueError: shapes do not fit the manifold, or a location or spread is not finite, or a
            spread not positive.
    """

    arg_constraints = {"loc": constraints.real_vector}
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        manifold: ConstantCurvature,
        loc: Float[Tensor, "*#b n"],
        spread: Float[Tensor, "*#b"],
        *,
        validate_args: bool | None = None,
    ) -> None:
        if loc.shape[-1:] != (manifold.ambient_dim,):
            raise ValueError(
                f"loc has shape {tuple(loc.shape)}, but points of {manifold} have "
                f"{manifold.ambient_dim} coordinates, the last dimension."
            )
        should_check = Distribution._validate_args if validate_args is None else validate_args
        if should_check:
            is_positive = torch.isfinite(spread) & (spread > 0)
            check_entries(self.spread_name, spread, is_positive, "positive and finite")
            check_entries("loc", loc, torch.isfinite(loc), "finite")
        batch_shape = torch.broadcast_shapes(loc.shape[:-1], spread.shape)
        self.manifold = manifold
        self.loc = loc.expand(*batch_shape, -1)
        self.spread = spread.expand(batch_shape)
        self._last_sample: tuple[OwnSample, Tensor, bool] | None = None
        super().__init__(batch_shape, loc.shape[-1:], validate_args=False)
        self._validate_args = should_check

    @property
    @abstractmethod
    def spread_name(self) -> str:
        """What the one number is called."""

    @abstractmethod
    def sample_radius(self, shape: torch.Size) -> Float[Tensor, "*s"]:
        """Draw distances from the location, reparametrised, in float64.

        Args:
            shape: s, which ends with the batch shape.
        """

    @property
    @override
    def mean(self) -> Tensor:
        """Fréchet mean, the location."""
        return self.loc

    @property
    @override
    def mode(self) -> Tensor:
        """Location."""
        return self.loc

    @override
    def expand(self, batch_shape: Any, _instance: Any = None) -> "Isotropic":
        loc, spread = self.loc.expand(*batch_shape, -1), self.spread.expand(batch_shape)
        return type(self)(self.manifold, loc, spread, validate_args=False)

    @override
    def rsample(self, sample_shape: Any = ()) -> Float[Tensor, "*s n"]:
        """Draw points, reparametrised, from torch's global generator.

        Args:
            sample_shape: how many, in front of the batch shape.

        Returns:
            Points, (*sample_shape, *b, n).
        """
        shape = torch.Size(sample_shape) + self.batch_shape
        radius = self.sample_radius(shape).unsqueeze(-1)
        size = (*shape, self.manifold.dim)
        normal = torch.randn(size, dtype=self.loc.dtype, device=self.loc.device)
        direction = normal / safe_norm(normal).unsqueeze(-1)
        point = self.manifold.from_normal_coordinates(self.loc, radius.to(normal) * direction)
        self._last_sample = OwnSample(point), radius.squeeze(-1), torch.is_grad_enabled()
        return point

    def radius_of_own_sample(self, value: Tensor) -> Float[Tensor, "*s"] | None:
        """How far the points are that were drawn last, the same object, in float64.

        None for other points, changed ones, and where a derivative would be lost: of a point that
        was drawn without a graph the distance depends on the location.
        """
        if self._last_sample is None or not self._last_sample[0].is_value(value):
            return None
        _, radius, has_graph = self._last_sample
        moves = self.loc.requires_grad or self.manifold.curvature.requires_grad
        return None if moves and torch.is_grad_enabled() and not has_graph else radius


def check_shared_manifold(p: Isotropic, q: Isotropic | Uniform) -> None:
    """Refuse the divergence of distributions on two manifolds.

    Raises:
        ValueError: the manifolds are not the same object.
    """
    if p.manifold is not q.manifold:
        raise ValueError(
            f"the two distributions live on different manifolds, {p.manifold} and {q.manifold}: "
            "give both the same object."
        )


@register_kl(Isotropic, Uniform)
def _kl_to_uniform(p: Isotropic, q: Uniform) -> Tensor:
    """Log volume minus entropy, where the entropy is known."""
    check_shared_manifold(p, q)
    # The default entropy raises NotImplementedError, as torch asks of a divergence that is unknown.
    return -q.log_prob(p.loc) - p.entropy()
