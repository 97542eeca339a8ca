r"""Exponential and logarithm of the metrics that know theirs, in codes.

Where a manifold closes up on itself many codes stand for one point. Velocities belong to a code,
not to the point, and a geodesic goes on in the codes that continue it. On a torus these are
straight lines. On a sphere, codes with :math:`kπ < \sqrt K |z| < (k + 1)π` are a copy of the sphere
without two opposite points, and great circles stay in it unless they go through these: then they
are straight lines through the origin.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import jvp

from geolatent.manifolds import FlatTorus, Manifold, Product, Sphere
from geolatent.metrics.euclidean_metric import EuclideanMetric
from geolatent.metrics.manifold_metric import ManifoldMetric
from geolatent.metrics.metric import Metric

_ROUNDING = 16  # units in the last place that a product with a unit vector may be off
_WINDINGS = (-2, -1, 0, 1)  # of a great circle: whole turns beside the shorter way


class KnownGeodesic(NamedTuple):
    """End point and velocity after unit time, and codes at the times asked for."""

    end: Float[Tensor, "b d"]
    velocity: Float[Tensor, "b d"]
    points: Float[Tensor, "b t d"]


def known_exponential(
    metric: Metric,
    start: Float[Tensor, "b d"],
    velocity: Float[Tensor, "b d"],
    times: Float[Tensor, "t"],
) -> KnownGeodesic | None:
    """The geodesic from a code with a velocity, in closed form; None where there is none."""
    if not isinstance(metric, EuclideanMetric | ManifoldMetric):
        return None
    if isinstance(metric, EuclideanMetric):
        return _straight(start, velocity, times)
    return _shot(metric.manifold, start, velocity, times)


def known_logarithm(
    metric: Metric,
    start: Float[Tensor, "b d"],
    end: Float[Tensor, "b d"],
    points: Float[Tensor, "b t d"] | None = None,
) -> Float[Tensor, "b d"] | None:
    """Velocity at start of a geodesic to the point of end, in closed form; None without one.

    The shortest one, or the one next to a curve through the points, `(b, t, d)`.
    """
    if isinstance(metric, EuclideanMetric):
        return end - start
    if not isinstance(metric, ManifoldMetric):
        return None
    return _aimed(metric.manifold, start, end, points)


def closes_up(metric: Metric) -> bool:
    """Whether many codes stand for one point."""
    return isinstance(metric, ManifoldMetric) and math.isfinite(metric.manifold.injectivity_radius)


def _shot(manifold: Manifold, z: Tensor, v: Tensor, times: Tensor) -> KnownGeodesic:
    if isinstance(manifold, Product):
        codes = zip(manifold.factors, manifold.split_codes(z), manifold.split_codes(v), strict=True)
        parts = [_shot(factor, code, vector, times) for factor, code, vector in codes]
        return KnownGeodesic(*(torch.cat(part, -1) for part in zip(*parts, strict=True)))
    if isinstance(manifold, FlatTorus):
        return _straight(z, v, times)
    if isinstance(manifold, Sphere):
        return _great_circle(manifold, z, v, times)
    x, u = _push(manifold.point, z, v)
    y = manifold.exp(x, u)
    end, final = _push(manifold.code, y, manifold.transport(x, y, u))
    moves = times.unsqueeze(1) * u.unsqueeze(1)
    points = manifold.code(manifold.exp(x.unsqueeze(1), moves))
    # The round trip through ambient coordinates rounds; the start is known exactly.
    return KnownGeodesic(end, final, torch.where((times == 0)[:, None], z.unsqueeze(1), points))


def _straight(z: Tensor, v: Tensor, times: Tensor) -> KnownGeodesic:
    return KnownGeodesic(z + v, v.clone(), z.unsqueeze(1) + times.unsqueeze(1) * v.unsqueeze(1))


def _great_circle(sphere: Sphere, z: Tensor, v: Tensor, times: Tensor) -> KnownGeodesic:
    radial, across = _parts(sphere, z, v)
    frame = radial + across  # isometric coordinates of the velocity
    x = sphere.point(z)
    t = torch.cat([times, times.new_ones(1)])
    y = sphere.from_normal_coordinates(x.unsqueeze(1), t.unsqueeze(1) * frame.unsqueeze(1))
    codes = _in_shell_of(sphere, z, sphere.code(y))

    last = torch.ones_like(t[:1])
    end, turned = _push(lambda s: sphere.from_normal_coordinates(x, s * frame), last, last)
    origin = sphere.origin(like=z).expand_as(end)
    turned = sphere.to_tangent_at_origin(sphere.transport(end, origin, turned))
    velocity = _velocity_at(sphere, codes[:, -1], turned)

    slack = _ROUNDING * torch.finfo(z.dtype).eps
    is_radial = across.norm(dim=1, keepdim=True) <= slack * frame.norm(dim=1, keepdim=True)
    straight = _straight(z, radial, t)
    codes = torch.where(is_radial.unsqueeze(1) | (t == 0)[:, None], straight.points, codes)
    return KnownGeodesic(
        codes[:, -1], torch.where(is_radial, straight.velocity, velocity), codes[:, :-1]
    )


def _in_shell_of(sphere: Sphere, z: Tensor, codes: Tensor) -> Tensor:
    """Of all codes of the points those as many half turns from the origin as z is."""
    half_turn = sphere.injectivity_radius
    shell = (z.norm(dim=1) / half_turn).floor()[:, None, None]
    radius = codes.norm(dim=2, keepdim=True)
    direction = codes / torch.where(radius > 0, radius, 1)
    near = shell * half_turn + radius
    far = (shell + 1) * half_turn - radius
    other = torch.where(shell % 2 == 0, near, -far) * direction
    return torch.where(shell == 0, codes, other)


def _parts(sphere: Sphere, z: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """A velocity along the radius and across it, in isometric coordinates at the origin."""
    direction = _direction(z)
    radial = (v * direction).sum(1, keepdim=True) * direction
    radial = torch.where(direction.any(1, keepdim=True), radial, v)
    return radial, _sinc(sphere, z) * (v - radial)


def _velocity_at(sphere: Sphere, z: Tensor, frame: Tensor) -> Tensor:
    """The velocity of a code from isometric coordinates; NaN where codes cannot have it."""
    direction = _direction(z)
    radial = (frame * direction).sum(1, keepdim=True) * direction
    radial = torch.where(direction.any(1, keepdim=True), radial, frame)
    across = frame - radial
    sinc = _sinc(sphere, z)
    slack = _ROUNDING * torch.finfo(z.dtype).eps
    lost = sinc.abs() <= slack  # the opposite point of the origin: all directions are radial
    none = across.norm(dim=1, keepdim=True) <= slack * frame.norm(dim=1, keepdim=True)
    across = torch.where(none, 0, across / torch.where(lost, torch.nan, sinc))
    return radial + across


def _direction(z: Tensor) -> Tensor:
    """z / |z|, and 0 for 0."""
    radius = z.norm(dim=1, keepdim=True)
    return z / torch.where(radius > 0, radius, 1)


def _sinc(sphere: Sphere, z: Tensor) -> Tensor:
    angle = math.pi * z.norm(dim=1, keepdim=True) / sphere.injectivity_radius
    return torch.where(angle > 0, angle.sin() / torch.where(angle > 0, angle, 1), 1)


def _aimed(manifold: Manifold, start: Tensor, end: Tensor, points: Tensor | None) -> Tensor:
    if isinstance(manifold, Product):
        curves = [None] * len(manifold.factors) if points is None else manifold.split_codes(points)
        parts = zip(
            manifold.factors,
            manifold.split_codes(start),
            manifold.split_codes(end),
            curves,
            strict=True,
        )
        return torch.cat([_aimed(*part) for part in parts], -1)
    if isinstance(manifold, FlatTorus) and points is not None:
        return points[:, -1] - points[:, 0]
    x, y = manifold.point(start), manifold.point(end)
    if isinstance(manifold, Sphere):
        frame = manifold.normal_coordinates(x, y)
        if points is not None:
            frame = _next_to(manifold, x, frame, manifold.point(points))
        return _velocity_at(manifold, start, frame)
    return _push(manifold.code, x, manifold.log(x, y))[1]


def _next_to(sphere: Sphere, x: Tensor, frame: Tensor, curve: Tensor) -> Tensor:
    """Of the great circles to a point, by the shorter way and others, the one next to a curve."""
    half_turn = sphere.injectivity_radius
    length = frame.norm(dim=1, keepdim=True)
    direction = frame / torch.where(length > 0, length, 1)
    # From a point to itself and to the opposite one every direction leads.
    slack = _ROUNDING * torch.finfo(x.dtype).eps * half_turn
    anywhere = (length <= slack) | (half_turn - length <= slack)
    quarter = sphere.normal_coordinates(x, curve[:, curve.shape[1] // 4])
    away = quarter.norm(dim=1, keepdim=True)
    towards = quarter / torch.where(away > 0, away, 1)
    direction = torch.where(anywhere & (away > 0), towards, direction)
    t = torch.linspace(0, 1, curve.shape[1], dtype=x.dtype, device=x.device).unsqueeze(1)
    ways = [(length + 2 * half_turn * turns) * direction for turns in _WINDINGS]
    gaps = [
        sphere.from_normal_coordinates(x.unsqueeze(1), t * way.unsqueeze(1)) - curve for way in ways
    ]
    best = torch.stack([gap.square().sum((1, 2)) for gap in gaps]).argmin(0)
    return torch.stack(ways)[best, torch.arange(len(best), device=best.device)]


def _push(
    function: Callable[[Tensor], Tensor], x: Tensor, vectors: Tensor
) -> tuple[Tensor, Tensor]:
    """Where points and vectors go under a map."""
    pair = jvp(function, (x,), (vectors,))
    return pair[0], pair[1]
