"""The normal distribution of a tangent space, wrapped around the manifold."""

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution, constraints
from typing_extensions import override

from geolatent.distributions.checked_entries import check_entries
from geolatent.manifolds import Manifold


class WrappedNormal(Distribution):
    r"""Push-forward of a normal distribution through the exponential map.

    .. math:: y = \exp_\mu P_{o \to \mu}\, v, \qquad
        v \sim \mathcal N(0, \operatorname{diag} \sigma^2)

    with v in isometric coordinates at the origin o, parallel transported to the location. Its
    density **with respect to the Riemannian volume** is

    .. math:: \log q(y) = \log \mathcal N(v;\, 0, \operatorname{diag} \sigma^2)
        - (d - 1) \log \frac{\sinh(\sqrt{-K}\,|v|)}{\sqrt{-K}\,|v|}

    where v are the normal coordinates of y at the location. On Euclidean space it is the normal
    distribution itself. Samples have gradients in location and scale.

    Args:
        manifold: where it lives: one whose exponential map is one to one, so of non-positive
            curvature. On a sphere or a torus every point is reached in infinitely many ways: see
            :class:`PowerSpherical` and :class:`TorusNormal`.
        loc: location :math:`\mu`, points, (*b n); the origin, at less cost, if None.
        scale: standard deviations :math:`\sigma > 0` along the d isometric coordinates, in units of
            distance, (\*b d).
        validate_args: whether to check arguments; torch's default if None. The check reads values,
            so it is to be switched off under vmap.

    Raises:
        ValueError: the exponential map of the manifold is not one to one, shapes do not fit the
            manifold, or a location or scale is not finite, or a scale
            not positive.

    References:
        Nagano, Yamaguchi, Fujita and Koyama (2019), arXiv 1902.02992. Mathieu, Le Lan, Maddison,
        Tomioka and Teh (2019), arXiv 1901.06033.
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "scale": constraints.independent(constraints.positive, 1),
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        manifold: Manifold,
        loc: Float[Tensor, "*#b n"] | None,
        scale: Float[Tensor, "*#b d"],
        *,
        validate_args: bool | None = None,
    ) -> None:
        shape = torch.Size([manifold.ambient_dim]) if loc is None else loc.shape
        if shape[-1:] != (manifold.ambient_dim,) or scale.shape[-1:] != (manifold.dim,):
            raise ValueError(
                f"loc has shape {tuple(shape)} and scale {tuple(scale.shape)}, but their last "
                f"dimensions are the coordinates of {manifold}: {manifold.ambient_dim} of a point "
                f"for loc and {manifold.dim} of its tangent space for scale."
            )
        if math.isfinite(manifold.injectivity_radius):
            raise ValueError(
                f"{manifold} closes up on itself, so that a wrapped normal covers points more than "
                "once: use PowerSpherical or VonMisesFisher on a Sphere, TorusNormal on a "
                "FlatTorus, ProductDistribution on a product with one of them."
            )
        should_check = Distribution._validate_args if validate_args is None else validate_args
        if should_check:
            is_positive = torch.isfinite(scale) & (scale > 0)
            check_entries("scale", scale, is_positive, "positive and finite")
            if loc is not None:
                check_entries("loc", loc, torch.isfinite(loc), "finite")
        batch_shape = torch.broadcast_shapes(shape[:-1], scale.shape[:-1])
        self.manifold = manifold
        self._location = None if loc is None else loc.expand(*batch_shape, -1)
        self.scale = scale.expand(*batch_shape, -1)
        self._last_sample: tuple[Tensor, Tensor, Tensor] | None = None
        # Checked above, with a message that says what is wrong and how much of it.
        super().__init__(batch_shape, shape[-1:], validate_args=False)
        self._validate_args = should_check

    @property
    def loc(self) -> Tensor:
        """Location, points, (*b n)."""
        if self._location is None:  # as a rule nobody asks for the coordinates of the origin
            return self.manifold.origin(like=self.scale).expand(*self.batch_shape, -1)
        return self._location

    @property
    @override
    def mean(self) -> Tensor:
        """Fréchet mean, the location: the geodesic reflection there leaves the density as it is."""
        return self.loc

    @property
    @override
    def mode(self) -> Tensor:
        """Location: there the density with respect to the Riemannian volume is greatest."""
        return self.loc

    @override
    def expand(self, batch_shape: Any, _instance: Any = None) -> "WrappedNormal":
        new = self._get_checked_instance(WrappedNormal, _instance)
        new.manifold, new._last_sample = self.manifold, None
        new._location = None
        if self._location is not None:
            new._location = self._location.expand(*batch_shape, -1)
        new.scale = self.scale.expand(*batch_shape, -1)
        Distribution.__init__(new, torch.Size(batch_shape), self.event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @override
    def rsample(self, sample_shape: Any = ()) -> Float[Tensor, "*s n"]:
        """Draw points, reparametrised, from torch's global generator.

        Args:
            sample_shape: how many, in front of the batch shape.

        Returns:
            Points, (*sample_shape, *b, n).
        """
        shape = torch.Size(sample_shape) + self.scale.shape
        noise = torch.randn(shape, dtype=self.scale.dtype, device=self.scale.device)
        v = self.scale * noise
        if self._location is None:
            point = self.manifold.point(v)
        else:
            point = self.manifold.from_normal_coordinates(self._location, v)
        # Without a graph a point is a constant, and its log density depends on scale and location.
        self._last_sample = (point, v, noise) if torch.is_grad_enabled() else None
        return point

    @override
    def log_prob(self, value: Float[Tensor, "*#s n"]) -> Float[Tensor, "*#s"]:
        """Log density with respect to the Riemannian volume.

        Args:
            value: points, (*s n), broadcast against the batch shape.

        Returns:
            (*s).
        """
        if self._validate_args:
            self._validate_sample(value)
        # The reparametrised sample just drawn, the same object, is made of numbers that need not be
        # computed back, which costs time and digits.
        if self._last_sample is not None and self._last_sample[0] is value:
            _, v, standardised = self._last_sample
        else:
            v = self._normal_coordinates(value)
            standardised = v / self.scale
        squares = (standardised * standardised).sum(dim=-1)
        height = self.scale.log().sum(dim=-1) + 0.5 * math.log(2 * math.pi) * v.shape[-1]
        return -0.5 * squares - height - self.manifold.log_det_exp(v)

    def _normal_coordinates(self, value: Tensor) -> Tensor:
        if self._location is None:
            return self.manifold.code(value)
        return self.manifold.normal_coordinates(self._location, value)
