"""Every rule against a path that is known."""

import dataclasses
import math
import sys

import pytest
import torch
from torch import nn

from geolatent.interpolation import (
    INTERPOLATORS,
    DensityGeodesic,
    Geodesic,
    GraphPath,
    Interpolator,
    Spherical,
    compare,
)
from geolatent.latents import BareDecoder
from geolatent.manifolds import Sphere as SphereManifold


def flat(z):
    return 1.0 * z


@pytest.fixture
def annulus():
    """Codes of a ring of radius 1, its width a fifth of that."""
    angle = 2 * math.pi * torch.rand(150, dtype=torch.float64)
    radius = 0.9 + 0.2 * torch.rand(150, dtype=torch.float64)
    return torch.stack([radius * angle.cos(), radius * angle.sin()], 1)


def on_ring(*angles):
    angle = torch.tensor(angles, dtype=torch.float64)
    return torch.stack([angle.cos(), angle.sin()], 1)


@pytest.mark.parametrize("name", INTERPOLATORS)
class TestLaws:
    def test_ends_are_reached_and_the_pairs_do_not_depend_on_each_other(self, name, annulus):
        start, end = annulus[:6], annulus[6:12]
        model = BareDecoder(nn.Sequential(nn.Linear(2, 5), nn.Tanh()).double())
        path = INTERPOLATORS[name](model, start, end, codes=annulus)
        torch.testing.assert_close(path.points[:, 0], start)
        torch.testing.assert_close(path.points[:, -1], end)
        assert path.points.shape == (6, 33, 2)
        assert path.converged.all()
        alone = INTERPOLATORS[name](model, start[2:3], end[2:3], codes=annulus)
        torch.testing.assert_close(alone.points[0], path.points[2])

    def test_a_code_and_itself(self, name, annulus):
        z = annulus[:3]
        path = INTERPOLATORS[name](BareDecoder(flat), z, z, codes=annulus)
        torch.testing.assert_close(path.points, z.unsqueeze(1).expand(-1, 33, -1))
        assert (path.length < 1e-12).all()

    def test_measures_are_those_of_the_induced_metric(self, name, annulus):
        start, end = annulus[:4], annulus[4:8]
        path, triple = (
            INTERPOLATORS[name](BareDecoder(f), start, end, codes=annulus)
            for f in (flat, lambda z: 3 * z)
        )
        torch.testing.assert_close(triple.length, 3 * path.length, rtol=1e-6, atol=0)
        torch.testing.assert_close(triple.energy, 9 * path.energy, rtol=1e-6, atol=0)


class TestSpherical:
    @pytest.mark.parametrize("radius", [1.0, 2.5])
    def test_is_the_geodesic_of_the_sphere(self, radius):
        sphere = SphereManifold(3, 1 / radius**2)
        start, end = radius * nn.functional.normalize(torch.randn(2, 9, 4).double(), dim=-1)
        path = Spherical()(BareDecoder(flat), start, end)
        t = torch.linspace(0, 1, 33).double()[:, None, None]
        expected = sphere.exp(start, t * sphere.log(start, end)).transpose(0, 1)
        torch.testing.assert_close(path.points, expected)
        # The spline between the points leaves the sphere by the fourth power of their distance.
        torch.testing.assert_close(path.length, sphere.distance(start, end), rtol=1e-6, atol=0)

    def test_nearly_equal_directions_are_joined_straight(self):
        start = torch.randn(5, 3)
        path = Spherical()(BareDecoder(flat), start, start * (1 + 1e-6))
        assert path.converged.all()
        torch.testing.assert_close(path.length, path.straight_length)

    def test_norms_change_steadily_between_parallel_codes(self):
        path = Spherical()(BareDecoder(flat), torch.tensor([[1.0, 0]]), torch.tensor([[3.0, 0]]))
        torch.testing.assert_close(path.points[0, :, 0], torch.linspace(1, 3, 33))

    def test_where_there_is_no_great_circle_only_that_pair_fails(self):
        start = torch.tensor([[1.0, 2.0], [0.0, 0.0], [1.0, 0.0]])
        end = torch.tensor([[-1.0, -2.0], [1.0, 0.0], [0.0, 1.0]])
        found = compare(flat, start, end, paths=("linear", "spherical"))
        assert found.paths["spherical"].converged.tolist() == [False, False, True]
        assert found.paths["spherical"].length[2] == pytest.approx(math.pi / 2)


class TestDensityGeodesic:
    def test_goes_around_a_hole_along_the_arc(self, annulus):
        start, end = on_ring(0.0, 0.0), on_ring(math.pi / 2, 2.0)
        plain, around = (
            rule(BareDecoder(flat), start, end, codes=annulus)
            for rule in (Geodesic(), DensityGeodesic(strength=5.0, bandwidth=0.1))
        )
        assert around.converged.all()
        radius = around.points.norm(dim=-1)
        assert plain.points.norm(dim=-1).amin() < 0.6, "there is a hole to go around"
        assert (radius - 1).abs().max() < 0.08
        angle = torch.tensor([math.pi / 2, 2.0]).double()
        torch.testing.assert_close(around.length, angle, rtol=0.04, atol=0)

    def test_runs_straight_through_the_densest_code(self):
        # Codes all at one point: S = r² / 2h², and r² (1 + λ S) has no slope but at r = 0, so that
        # the one geodesic between opposite codes is the straight line through the centre.
        codes = 1e-6 * torch.randn(50, 2).double()
        rule = DensityGeodesic(strength=2.0, bandwidth=1.0)
        path = rule(BareDecoder(flat), on_ring(0.3), -on_ring(0.3), codes=codes)
        torch.testing.assert_close(path.length, torch.full((1,), 2.0).double(), rtol=1e-4, atol=0)

    def test_bends_as_clairaut_says(self):
        """r² (1 + λ S) φ' is conserved along geodesics of a radial metric."""
        strength, width = 3.0, 0.8
        rule = DensityGeodesic(strength=strength, bandwidth=width)
        codes = 1e-6 * torch.randn(50, 2).double()
        path = rule(BareDecoder(flat), on_ring(0.0), 1.5 * on_ring(1.2), codes=codes)
        z = path.points[0]
        velocity = torch.gradient(z, spacing=1 / 32, dim=0, edge_order=2)[0]
        spin = z[:, 0] * velocity[:, 1] - z[:, 1] * velocity[:, 0]
        factor = 1 + strength * z.square().sum(1) / (2 * width**2)
        momentum = (factor * spin)[2:-2]
        assert momentum.std() / momentum.mean() < 0.01
        assert spin[2:-2].std() / spin[2:-2].mean() > 0.05, "a straight line would pass this test"

    def test_without_strength_it_is_the_geodesic(self, annulus):
        start, end = on_ring(0.0), on_ring(2.0)
        path = DensityGeodesic(strength=0.0)(BareDecoder(flat), start, end, codes=annulus)
        torch.testing.assert_close(path.length, path.straight_length)

    @pytest.mark.parametrize("options", [{"strength": -1.0}, {"bandwidth": 0.0}, {"centres": 1}])
    def test_mistakes(self, options):
        with pytest.raises(ValueError, match="strength must be at least 0, bandwidth positive"):
            DensityGeodesic(**options)


class TestGraphPath:
    def test_on_a_ring_it_takes_the_shorter_way_round(self):
        nodes = on_ring(*(2 * math.pi * k / 60 for k in range(60)))
        path = GraphPath(neighbours=2)(
            BareDecoder(flat), nodes[[0, 10]], nodes[[20, 55]], codes=nodes
        )
        chord = 2 * math.sin(math.pi / 60)
        expected = torch.tensor([20 * chord, 15 * chord]).double()
        # Rounded corners: a little shorter than the polygon.
        torch.testing.assert_close(path.length, expected, rtol=0.04, atol=0)
        assert (path.points.norm(dim=-1) - 1).abs().max() < 0.04
        assert (path.points[0, 1:, 1] > 0).all()
        middle = path.points[1, 16]  # the fifteen steps that lead over node 0
        assert torch.atan2(middle[1], middle[0]) == pytest.approx(2 * math.pi * 2.5 / 60, abs=0.05)

    def test_the_number_of_neighbours_decides_what_is_near(self):
        nodes = on_ring(*(2 * math.pi * k / 20 for k in range(20)))
        start, end = nodes[[0]], nodes[[4]]
        lengths = [
            float(GraphPath(neighbours=k)(BareDecoder(flat), start, end, codes=nodes).length)
            for k in (2, 19)
        ]
        assert lengths[1] == pytest.approx(2 * math.sin(2 * math.pi / 10), rel=1e-3)
        assert lengths[0] > 1.03 * lengths[1]

    def test_mistakes(self):
        with pytest.raises(ValueError, match="neighbours must be at least 1"):
            GraphPath(neighbours=0)


class TestGeodesic:
    def test_a_start_from_the_graph_finds_the_way_around_a_hill(self, annulus):
        def hill(z):
            return torch.cat([z, 3 * torch.exp(-8 * z.square().sum(-1, keepdim=True))], -1)

        start, end = on_ring(0.0), -on_ring(0.0)  # a straight line runs over the top
        over, around = (
            rule(BareDecoder(hill), start, end, codes=annulus)
            for rule in (Geodesic(), Geodesic(graph_start=True))
        )
        assert around.converged.all()
        assert float(around.length) < 0.8 * float(over.length)


class TestChoice:
    def test_rules_that_need_codes_say_so(self):
        start, end = torch.randn(2, 3, 2)
        for name in ("density", "graph"):
            with pytest.raises(ValueError, match="goes where data are: pass codes="):
                compare(flat, start, end, paths=(name,))

    def test_rules_in_person_under_names_of_one_s_own(self, annulus):
        start, end = on_ring(0.0), on_ring(2.0)
        rules = {"weak": DensityGeodesic(strength=0.1), "strong": DensityGeodesic(strength=10)}
        found = compare(flat, start, end, paths=rules, codes=annulus)
        assert list(found.paths) == ["weak", "strong"]
        assert float(found.paths["weak"].length) < float(found.paths["strong"].length)

    def test_a_rule_of_one_s_own(self):
        class Detour(Interpolator):
            def __call__(self, model, start, end, *, codes=None):
                from geolatent.geodesics import measure

                points = torch.stack([start, torch.zeros_like(start), end], 1)
                return measure(model.induced_metric(), points)

        start, end = torch.randn(2, 3, 2)
        found = compare(flat, start, end, paths={"detour": Detour()})
        assert found.paths["detour"].points.shape == (3, 3, 2)

    @pytest.mark.usefixtures("as_in_production")
    @pytest.mark.parametrize(
        ("paths", "error", "message"),
        [
            ("linear", TypeError, "with the comma"),
            ((), ValueError, "no paths to compare"),
            (("linea",), ValueError, "unknown paths"),
            ({"mine": "linear"}, TypeError, "must be an Interpolator, got 'linear'"),
        ],
    )
    def test_mistakes(self, paths, error, message):
        with pytest.raises(error, match=message):
            compare(flat, torch.zeros(1, 2), torch.ones(1, 2), paths=paths)


@pytest.mark.parametrize("name", ["assumed", "geodesic", "density"])
def test_what_the_solver_did_not_find_is_not_converged(name, annulus, monkeypatch):
    rule = INTERPOLATORS[name]
    module = sys.modules[type(rule).__module__]
    solve = module.connect

    def fails_once(*arguments, **options):
        found = solve(*arguments, **options)
        return dataclasses.replace(found, converged=torch.tensor([True, False]))

    monkeypatch.setattr(module, "connect", fails_once)
    path = rule(BareDecoder(flat), annulus[:2], annulus[2:4], codes=annulus)
    assert path.converged.tolist() == [True, False]
