"""The oracles' own test: metric and distances against first principles."""

import pytest
import torch

from geolatent.networks import HyperbolicPatch, Sphere, SwissRoll


@pytest.mark.parametrize("surface", [Sphere(), SwissRoll(), HyperbolicPatch()])
def test_distance_agrees_with_the_embedding_nearby(surface):
    z = 0.5 + torch.rand(50, 2, dtype=torch.float64)
    step = 1e-5 * torch.randn(50, 2, dtype=torch.float64)
    chord = (surface(z + step) - surface(z)).norm(dim=-1)
    # Chord and arc differ by a relative step² or so, the midpoint rule by a step.
    torch.testing.assert_close(surface.distance(z, z + step), chord, rtol=1e-4, atol=0)


@pytest.mark.parametrize("surface", [Sphere(), SwissRoll(), HyperbolicPatch()])
def test_distance_satisfies_the_triangle_inequality(surface):
    x, y, z = 0.2 + torch.rand(3, 200, 2, dtype=torch.float64)
    direct, detour = surface.distance(x, z), surface.distance(x, y) + surface.distance(y, z)
    assert (direct <= detour + 1e-12).all()
