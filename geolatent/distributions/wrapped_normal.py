"""The normal distribution of a tangent space, wrapped around the manifold."""

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution, constraints
from typing_extensions import override

from geolatent.distributions.checked_entries import check_entries
from geolatent.distributions.own_sample import OwnSample
from geolatent.manifolds import Manifold
from geolatent.numerics.safe_norm import safe_norm


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

    With an `axis` a the normal is turned first, by the rotation R that takes the first coordinate
    axis to a, :math:`v \sim \mathcal N(0, R \operatorname{diag}(\sigma^2) R^\top)`: the first scale
    is the one along a, which is carried to the location.

    Args:
        manifold: where it lives: one whose exponential map is one to one, so of non-positive
            curvature. On a sphere or a torus every point is reached in infinitely many ways: see
            :class:`PowerSpherical` and :class:`TorusNormal`.
        loc: location :math:`\mu`, points, (*b n); the origin, at less cost, if None.
        scale: standard deviations :math:`\sigma > 0` along the d isometric coordinates, in units of
            distance, (\*b d).
        axis: direction of the first scale, in isometric coordinates at the origin, of any length,
            (\*b d); the first coordinate axis if None, and where it is zero. In three or more
            dimensions R jumps at the opposite of the first axis, as any field of frames has to
            somewhere.
        validate_args: whether to check arguments; torch's default if None. The check reads values,
            so it is to be switched off under vmap.

    Raises:
        ValueError: the exponential map of the manifold is not one to one, shapes do not fit the
            manifold, or a location or scale is not finite, or a scale
            not positive.

    References:
        Nagano, Yamaguchi, Fujita and Koyama (2019), arXiv 1902.02992. Mathieu, Le Lan, Maddison,
        Tomioka and Teh (2019), arXiv 1901.06033. Rotated: Cho, Lee, Park and Kim (2022), arXiv
        2205.13371.
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
        axis: Float[Tensor, "*#b k"] | None = None,
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
        if axis is not None:
            if axis.shape[-1:] != (manifold.dim,):
                raise ValueError(
                    f"axis has shape {tuple(axis.shape)}, but its last dimension is that of the "
                    f"tangent space of {manifold}: {manifold.dim}."
                )
            if should_check:
                check_entries("axis", axis, torch.isfinite(axis), "finite")
        axis_shape = torch.Size() if axis is None else axis.shape[:-1]
        batch_shape = torch.broadcast_shapes(shape[:-1], scale.shape[:-1], axis_shape)
        self.manifold = manifold
        self._location = None if loc is None else loc.expand(*batch_shape, -1)
        self.scale = scale.expand(*batch_shape, -1)
        self._mirror = None if axis is None else _mirror(axis).expand(*batch_shape, -1)
        self._last_sample: tuple[OwnSample, Tensor, Tensor, bool] | None = None
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
        new._mirror = None if self._mirror is None else self._mirror.expand(*batch_shape, -1)
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
        v = self._turned(self.scale * noise)
        if self._location is None:
            point = self.manifold.point(v)
        else:
            point = self.manifold.from_normal_coordinates(self._location, v)
        self._last_sample = OwnSample(point), v, noise, torch.is_grad_enabled()
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
        own = self._own_sample(value)
        if own is not None:
            v, standardised = own
        else:
            v = self._normal_coordinates(value)
            standardised = self._turned(v) / self.scale
        squares = (standardised * standardised).sum(dim=-1)
        height = self.scale.log().sum(dim=-1) + 0.5 * math.log(2 * math.pi) * v.shape[-1]
        return -0.5 * squares - height - self.manifold.log_det_exp(v)

    def _own_sample(self, value: Tensor) -> tuple[Tensor, Tensor] | None:
        if self._last_sample is None or not self._last_sample[0].is_value(value):
            return None
        # Without a graph a point is a constant, and its log density depends on scale and location.
        _, v, noise, has_graph = self._last_sample
        return (v, noise) if has_graph or not torch.is_grad_enabled() else None

    def _normal_coordinates(self, value: Tensor) -> Tensor:
        if self._location is None:
            return self.manifold.code(value)
        return self.manifold.normal_coordinates(self._location, value)

    def _turned(self, v: Tensor) -> Tensor:
        """Coordinates along the scales from those of the tangent space, and the other way."""
        if self._mirror is None:
            return v
        return v - 2 * (v * self._mirror).sum(dim=-1, keepdim=True) * self._mirror


def _mirror(axis: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"]:
    """Unit normal w of the mirror I - 2 w wᵀ that takes the first coordinate axis to minus `axis`.

    The mirror is the rotation up to the sign of the first coordinate, to which a normal with
    independent coordinates is indifferent, and it is its own inverse. w halves the angle between
    the two; where they are opposite, any w across them does.
    """
    first_axis, last_axis = torch.zeros_like(axis), torch.zeros_like(axis)
    first_axis[..., 0], last_axis[..., -1] = 1, 1
    u = _unit(axis, first_axis)
    first, rest = u[..., :1], u[..., 1:]
    across = (rest * rest).sum(dim=-1, keepdim=True)
    # The same number twice; the second does not cancel where the first is near -1.
    sum_of_firsts = torch.where(first >= 0, 1 + first, across / (1 - first.clamp(max=0)))
    return _unit(torch.cat([sum_of_firsts, rest], dim=-1), last_axis)


def _unit(v: Float[Tensor, "*b d"], otherwise: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"]:
    """Vectors of length 1, with others where there is no direction."""
    length = safe_norm(v)[..., None]
    is_zero = length == 0
    return torch.where(is_zero, otherwise, v / torch.where(is_zero, 1, length))
