r"""Translations of the unit hyperboloid, in its spatial coordinates, without cancellation.

The translation (Lorentz boost) along x is the isometry that takes the origin to x along their
geodesic; its differential at the origin is parallel transport. With time coordinates
:math:`x_0 = \sqrt{1 + |x|^2}`,

.. math:: T_x(p) = p + x \Bigl(p_0 + \frac{x \cdot p}{1 + x_0}\Bigr), \qquad T_x^{-1} = T_{-x}.

Evaluated as it stands, it loses a factor :math:`e^{2r}` to cancellation at radius r. A point
itself, its coordinates rounded, is known to :math:`e^r` only; the forms below lose no more than
that, and nothing on top when two points approach each other.
"""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from geolatent.numerics.closed_gradient import ClosedGradient
from geolatent.numerics.safe_norm import safe_norm


def time_coordinate(x: Float[Tensor, "*b d"]) -> Float[Tensor, "*b 1"]:
    r"""Time coordinate of a point of the unit hyperboloid, :math:`\sqrt{1 + |x|^2}`.

    Args:
        x: spatial coordinates, (\*b d).

    Returns:
        (\*b 1).
    """
    return (1 + _dot(x, x)).sqrt()


def translate(x: Float[Tensor, "*#b d"], p: Float[Tensor, "*#b d"]) -> Float[Tensor, "*#b d"]:
    r"""Translate p by x: :math:`T_x(p)`.

    Args:
        x: spatial coordinates of the image of the origin, (\*b d).
        p: spatial coordinates of the points to move, (\*b d).

    Returns:
        Spatial coordinates, (\*b d).
    """
    x, p = torch.broadcast_tensors(x, p)
    translated: Tensor = _TRANSLATION(x, p)
    return translated


def translate_back(x: Float[Tensor, "*#b d"], y: Float[Tensor, "*#b d"]) -> Float[Tensor, "*#b d"]:
    r"""Translate y so that x comes to the origin: :math:`T_x^{-1}(y)`.

    The result has length :math:`\sinh d(x, y)`.

    Args:
        x: spatial coordinates of the point that comes to the origin, (\*b d).
        y: spatial coordinates of the points to move, (\*b d).

    Returns:
        Spatial coordinates, (\*b d); for y close to x their error is relative to the separation.
    """
    x, y = torch.broadcast_tensors(x, y)
    is_far = x.detach().square().sum(dim=-1, keepdim=True) > 1
    y0 = time_coordinate(y)
    near = _translate_back_near(torch.where(is_far, torch.zeros_like(x), x), y, y0)
    far = _translate_back_far(torch.where(is_far, x, torch.ones_like(x)), y, y0)
    return torch.where(is_far, far, near)


def _translate_back_near(x: Tensor, y: Tensor, y0: Tensor) -> Tensor:
    """For |x| ≤ 1: smooth at x = 0, exact in the difference y - x, loses a factor e^r ≤ 2.4."""
    x0 = time_coordinate(x)
    difference = y - x
    time_difference = _dot(difference, (x + y) / (x0 + y0))
    along = _dot(x, difference)
    numerator = along * (2 - time_difference) + (1 + x0) * _dot(difference, difference)
    return difference - x * (numerator / ((x0 + y0) * (1 + x0)))


def _translate_back_far(x: Tensor, y: Tensor, y0: Tensor) -> Tensor:
    """For |x| > 1: the component along x apart from those orthogonal to it, which do not change."""
    radius = safe_norm(x).unsqueeze(-1)
    direction = x / radius
    x0 = time_coordinate(x)
    difference = y - x
    along = _dot(direction, difference)
    orthogonal = difference - along * direction
    # The component along x becomes y_r x0 - y0 |x|. Both products are positive for y_r > 0:
    # multiply by their sum, (y_r x0)^2 - (y0 |x|)^2 = y_r^2 - |x|^2 - |x|^2 |y*|^2 with y* the part
    # of y orthogonal to x, and divide by |x| before squares can overflow.
    component = _dot(direction, y)
    outward = component.clamp(min=0)
    denominator = outward * (x0 / radius) + y0
    forward = along * ((outward / radius + 1) / denominator)
    forward = forward - radius * _dot(orthogonal, orthogonal / denominator)
    backward = component * x0 - y0 * radius
    return orthogonal + direction * torch.where(component > 0, forward, backward)


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum(dim=-1, keepdim=True)


@final
class _Translation(ClosedGradient):
    @override
    def composition(self, *inputs: Tensor) -> Tensor:
        return self.value(*inputs)[0]

    @override
    def value(self, *inputs: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        x, p = inputs
        x0, p0 = time_coordinate(x), time_coordinate(p)
        beyond = 1 + x0
        reduced = p / beyond
        alignment = _dot(x, reduced)
        # p0 + alignment cancels where p points back inwards from far out. There, it is taken as
        # (p0^2 - alignment^2) / (p0 - alignment), whose numerator is, with p* the part of p
        # orthogonal to x, a sum of positive terms,
        # 1 + 2 |p|^2 / (1 + x0) + |p*|^2 (x0 - 1) / (x0 + 1).
        is_far = x0 > 2
        outer = torch.where(is_far, x, torch.ones_like(x))
        direction = outer / _dot(outer, outer).sqrt()
        orthogonal = p - _dot(direction, p) * direction
        stretch = (x0 - 1) / beyond
        across = _dot(orthogonal, orthogonal) * stretch
        divisor = p0 + alignment.abs()
        inward = (1 + _dot(p + p, reduced) + across) / divisor
        factor = torch.where((alignment < 0) & is_far, inward, p0 + alignment)
        made = (x0, p0, reduced, alignment, orthogonal, stretch, divisor, factor)
        return p + x * factor, made

    @override
    def gradient(
        self, inputs: tuple[Tensor, ...], made: tuple[Tensor, ...], *upstream: Tensor
    ) -> tuple[Tensor, Tensor]:
        (x, p), (w,) = inputs, upstream
        x0, p0, reduced, alignment, orthogonal, stretch, divisor, factor = made
        is_far, beyond = x0 > 2, 1 + x0
        unit_p, part_x = p / p0, x / beyond
        # Of the factor, in p: differentiated in the form in which nothing cancels.
        inward = 4 * reduced + 2 * stretch * orthogonal - factor * (unit_p - part_x)
        in_p = torch.where((alignment < 0) & is_far, inward / divisor, unit_p + part_x)
        # In x: p / (1 + x0) - alignment x / (x0 (1 + x0)), of which far out all but 1 / x0 of the
        # part along x cancels.
        shrink = torch.where(is_far, (x0 - 1).reciprocal(), -torch.ones_like(x0))
        in_x = torch.where(is_far, orthogonal, p) + alignment * shrink / x0 * x
        of_factor = _dot(w, x)
        return factor * w + of_factor / beyond * in_x, w + of_factor * in_p


_TRANSLATION = _Translation()
