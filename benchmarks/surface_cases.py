"""Surfaces whose geodesics are known in closed form or to high accuracy."""

import math
from collections.abc import Callable
from typing import final

import numpy as np
import torch
from case import Case
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from geolatent.networks.surfaces import (
    HyperbolicPatch,
    MeasuredSurface,
    Sphere,
    Surface,
    SwissRoll,
    Torus,
)

_FLATTENING = 0.1

Pairs = tuple[Float[Tensor, "b 2"], Float[Tensor, "b 2"]]


@final
class Paraboloid(Surface):
    """z ↦ (z, ‖z‖² / 2)."""

    @override
    def forward(self, z: Float[Tensor, "*b 2"]) -> Float[Tensor, "*b 3"]:
        return torch.cat([z, z.square().sum(-1, keepdim=True) / 2], dim=-1)


@final
class Ellipsoid(Surface):
    """Oblate ellipsoid of revolution, z = (parametric latitude, longitude) in radians."""

    @override
    def forward(self, z: Float[Tensor, "*b 2"]) -> Float[Tensor, "*b 3"]:
        latitude, longitude = z.unbind(-1)
        ring = latitude.cos()
        height = (1 - _FLATTENING) * latitude.sin()
        return torch.stack([ring * longitude.cos(), ring * longitude.sin(), height], -1)


def surface_case(name: str, pairs: int) -> Case:
    """One surface and random pairs on it.

    Raises:
        KeyError: there is no such surface.
    """
    surface, draw = _SURFACES[name]
    start, end = draw(pairs, torch.Generator().manual_seed(0))
    exact = None
    if isinstance(surface, MeasuredSurface):
        exact = surface.distance(start.double(), end.double()).numpy()
    elif isinstance(surface, Ellipsoid):
        exact = _ellipsoid_distance(start.double().numpy(), end.double().numpy())
    return Case(name, "surface", surface.eval(), start, end, exact_lengths=exact)


def _on_globe(count: int, generator: torch.Generator) -> Pairs:
    """Latitudes up to 57°, longitudes up to 115° apart: one shortest geodesic each."""
    latitude = _uniform((count, 2), -1, 1, generator)
    longitude = _uniform((count,), 0, 2 * math.pi, generator)
    apart = _uniform((count,), -2, 2, generator)
    start = torch.stack([latitude[:, 0], longitude], 1)
    return start, torch.stack([latitude[:, 1], longitude + apart], 1)


def _on_torus(count: int, generator: torch.Generator) -> Pairs:
    start = _uniform((count, 2), 0, 2 * math.pi, generator)
    return start, start + _uniform((count, 2), -1, 1, generator) * torch.tensor([2.0, 1.5])


def _in_box(low: tuple[float, float], high: tuple[float, float]) -> Callable[..., Pairs]:
    def draw(count: int, generator: torch.Generator) -> Pairs:
        bottom, size = torch.tensor(low), torch.tensor(high) - torch.tensor(low)
        return tuple(bottom + size * torch.rand(count, 2, generator=generator) for _ in range(2))

    return draw


def _uniform(shape: tuple[int, ...], low: float, high: float, generator: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(shape, generator=generator)


def _ellipsoid_distance(
    start: Float[np.ndarray, "b 2"], end: Float[np.ndarray, "b 2"]
) -> Float[np.ndarray, "b"]:
    """Karney's series; its error at this flattening is about 2e-10."""
    from geographiclib.geodesic import Geodesic

    globe = Geodesic(1.0, _FLATTENING)

    def degrees(z: np.ndarray) -> tuple[float, float]:
        geographic = math.atan2(math.sin(z[0]), (1 - _FLATTENING) * math.cos(z[0]))
        return math.degrees(geographic), math.degrees(z[1])

    ends = zip(start, end, strict=True)
    return np.array([globe.Inverse(*degrees(p), *degrees(q))["s12"] for p, q in ends])


_SURFACES: dict[str, tuple[Surface, Callable[..., Pairs]]] = {
    "sphere": (Sphere(), _on_globe),
    "paraboloid": (Paraboloid(), _in_box((-2.0, -2.0), (2.0, 2.0))),
    "torus": (Torus(), _on_torus),
    "ellipsoid": (Ellipsoid(), _on_globe),
    "swiss-roll": (SwissRoll(), _in_box((1.5 * math.pi, 0.0), (4.5 * math.pi, 21.0))),
    "hyperbolic-patch": (HyperbolicPatch(), _in_box((0.3, -1.5), (2.5, 1.5))),
}

SURFACES = tuple(_SURFACES)
