"""The oracles' own test: metric and distances against first principles."""

import math

import pytest
import torch

from geolatent.networks import (
    Ellipsoid,
    HyperbolicPatch,
    Paraboloid,
    Sphere,
    StretchedPlane,
    SwissRoll,
)

MEASURED = [Sphere(), SwissRoll(), HyperbolicPatch(), Paraboloid(), StretchedPlane(3.0, 0.7)]


@pytest.mark.parametrize("surface", MEASURED)
def test_distance_agrees_with_the_embedding_nearby(surface):
    z = 0.5 + torch.rand(50, 2, dtype=torch.float64)
    step = 1e-5 * torch.randn(50, 2, dtype=torch.float64)
    chord = (surface(z + step) - surface(z)).norm(dim=-1)
    # Chord and arc differ by a relative step² or so, the midpoint rule by a step.
    torch.testing.assert_close(surface.distance(z, z + step), chord, rtol=1e-4, atol=0)


@pytest.mark.parametrize("surface", MEASURED)
def test_distance_satisfies_the_triangle_inequality(surface):
    x, y, z = 0.2 + torch.rand(3, 200, 2, dtype=torch.float64)
    direct, detour = surface.distance(x, z), surface.distance(x, y) + surface.distance(y, z)
    assert (direct <= detour + 1e-12).all()


class TestParaboloid:
    @pytest.mark.parametrize("radius", [0.3, 2.5])
    def test_meridians_have_the_length_of_a_parabola(self, radius):
        z = torch.tensor([[0.6, 0.8]], dtype=torch.float64) * radius
        length = (radius * math.hypot(1, radius) + math.asinh(radius)) / 2
        for start, end in ((0 * z, z), (z, 0 * z)):
            assert Paraboloid().distance(start, end).item() == pytest.approx(length, rel=1e-14)
        assert Paraboloid().distance(z, z).item() == pytest.approx(0, abs=1e-14)
        # Far out the way around the vertex is shorter than the way over it.
        across = Paraboloid().distance(z, -z).item()
        if radius < 1:
            assert across == pytest.approx(2 * length, rel=1e-14)
        else:
            assert math.pi < across < 1.9 * length

    def test_depends_on_radii_and_angle_only(self):
        x, y = torch.randn(2, 50, 2, dtype=torch.float64)
        turn = torch.tensor([[0.6, -0.8], [0.8, 0.6]], dtype=torch.float64)
        flip = torch.tensor([1.0, -1.0], dtype=torch.float64)
        expected = Paraboloid().distance(x, y)
        for other in ((y, x), (x @ turn.T, y @ turn.T), (x * flip, y * flip)):
            found = Paraboloid().distance(*other)
            torch.testing.assert_close(found, expected, rtol=1e-13, atol=0)

    def test_gradients(self):
        x, y = torch.randn(2, 6, 2, dtype=torch.float64).requires_grad_()
        assert torch.autograd.gradcheck(Paraboloid().distance, (x, y))


class TestEllipsoid:
    def test_geographic_latitude_is_that_of_the_normal(self):
        surface = Ellipsoid(0.3)
        z = torch.rand(20, 2, dtype=torch.float64) - 0.5
        tangents = torch.func.vmap(torch.func.jacfwd(surface))(z)
        normal = torch.linalg.cross(tangents[..., 1], tangents[..., 0])
        latitude = torch.atan2(normal[:, 2], normal[:, :2].norm(dim=1)).rad2deg()
        torch.testing.assert_close(surface.geographic(z)[:, 0], latitude)
        torch.testing.assert_close(surface.geographic(z)[:, 1], z[:, 1].rad2deg())

    def test_without_flattening_is_the_sphere(self):
        z = torch.rand(5, 2)
        assert torch.equal(Ellipsoid(0)(z), Sphere()(z))

    @pytest.mark.parametrize("flattening", [1.0, float("nan")])
    def test_refuses_what_is_none(self, flattening):
        with pytest.raises(ValueError, match="below 1, got"):
            Ellipsoid(flattening)
