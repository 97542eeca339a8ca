import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from geolatent.assumptions import (
    DeclaredGeometry,
    Isometric,
    Subject,
    Triangles,
    audit,
    examine,
)
from geolatent.assumptions.curved_over_flat import curved_over_flat
from geolatent.assumptions.declared_geometry import _shape
from geolatent.assumptions.quantile_interval import quantile_interval
from geolatent.data import binary_tree
from geolatent.geodesics import connect
from geolatent.latents import WrappedNormalSpace
from geolatent.likelihoods import Gaussian
from geolatent.manifolds import Lorentz
from geolatent.models import VAE
from geolatent.networks import MLP, HyperbolicPatch, Sphere, SwissRoll


@pytest.fixture(scope="module")
def unit_square():
    return torch.rand(240, 2, generator=torch.Generator().manual_seed(0))


def find(name, decoder, codes, **options):
    return audit(decoder, codes, assumptions=[name], **options)[name]


def test_a_sphere_has_its_curvature(unit_square):
    finding = find("declared-geometry", Sphere(), 2 * unit_square - 1)
    details = finding.measurement.details
    assert finding.verdict == "violated"
    assert finding.effect > 0
    assert details["typical curvature, low"] <= 1.0005
    assert details["typical curvature, high"] >= 0.9995
    assert details["typical curvature"] == pytest.approx(1, abs=2e-3)
    assert details["misfit of the typical curvature"] < 1e-3 < details["misfit of a flat space"]
    assert 0 < details["misfit less than a flat space's, low"] < details["misfit of a flat space"]
    assert "The typical triangle is spherical, K = 1 [1, 1]: medians" in finding.reason


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.1, 2.0, "is spherical"),
        (-3.0, -0.1, "is hyperbolic"),
        (-0.1, 0.2, "is as good as flat"),
        (-0.1, 0.7, "has a curvature of no certain sign"),
        (-math.inf, math.inf, "has a curvature of no certain sign"),
    ],
)
def test_flat_is_said_of_what_is_shown_to_be_flat(low, high, said):
    assert _shape(low, high, 0.6) == said


def test_a_hyperbolic_patch_has_its_curvature(unit_square):
    finding = find("declared-geometry", HyperbolicPatch(), 0.2 + 1.5 * unit_square)
    assert finding.measurement.details["typical curvature"] == pytest.approx(-1, abs=5e-3)
    assert finding.effect < 0


@pytest.mark.parametrize("curvature", [-1.0, 0.0])
def test_the_interval_of_how_much_better_a_curved_space_is_covers(curvature):
    """Triangles of one curvature, medians off by a per cent: the difference for ten thousand."""

    def drawn(count, rng):
        bm, mc = rng.uniform(0.5, 1, (2, count))
        ab, ac = rng.uniform(0.6, 1, (2, count)) * (bm + mc)
        shape = Triangles(ab, ac, bm, mc, np.ones(count))
        am = shape.median(curvature) * np.exp(0.01 * rng.standard_normal(count))
        return Triangles(ab, ac, bm, mc, am)

    many = drawn(10_000, np.random.default_rng(0))
    error = [np.sqrt(np.mean((many.median(k) / many.am - 1) ** 2)) for k in (0.0, curvature)]
    inside = 0
    for seed in range(30):
        few = drawn(100, np.random.default_rng(seed + 1))
        better = curved_over_flat(few, few.curvature())
        inside += better.low <= error[0] - error[1] <= better.high
    assert inside >= 25  # of 30: fewer with probability 0.3 %, if 95 % do


@pytest.mark.parametrize("decoder", [torch.nn.Linear(2, 9), SwissRoll()])
def test_flat_decoders_fit_flat(decoder, unit_square):
    finding = find("declared-geometry", decoder.eval(), 5 + 5 * unit_square)
    assert finding.verdict == "holds"
    assert abs(finding.effect) < 1e-2


def test_a_hyperbolic_model_of_a_flat_decoder_is_found_out():
    """Codes of the Lorentz model, decoded linearly: its curvature is not that of the decoder."""
    space = WrappedNormalSpace(Lorentz(dim=2, curvature=-1.0))
    model = VAE(MLP(5, space.parameter_size), space, torch.nn.Linear(3, 5), Gaussian(1.0))
    codes = torch.randn(90, 2)
    finding = find("declared-geometry", model.eval(), codes)
    assert finding.measurement.details["declared curvature, in the same unit"] < 0
    assert finding.effect > 0
    assert finding.verdict == "violated"


@pytest.mark.parametrize("curvature", [-1.3, -1e-6, 0.0, 1e-6, 0.7])
def test_medians_in_closed_form(curvature):
    """A triangle placed on the model surface, with an inner product that depends on K."""
    scale = math.sqrt(abs(curvature)) if curvature else 1.0
    a, b, t = 0.8, 1.1, 0.3  # legs of a right angle at B, M at a share t of BC

    def distance(x, y):
        if curvature == 0:
            return float(np.linalg.norm(np.subtract(x, y)))
        return geodesic(point(*x), point(*y))

    def point(u, v):  # exp from the right angle, along orthogonal directions
        r = scale * math.hypot(u, v)
        cos, sin = (math.cosh, math.sinh) if curvature < 0 else (math.cos, math.sin)
        ratio = scale * sin(r) / r if r else scale
        return np.array([cos(r), ratio * u, ratio * v])

    def geodesic(x, y):
        sign = np.array([-1, 1, 1]) if curvature < 0 else np.ones(3)
        chord = math.sqrt(float((sign * (x - y) ** 2).sum()))
        half = math.asinh(chord / 2) if curvature < 0 else math.asin(chord / 2)
        return 2 * half / scale

    corner, end, middle, top = (0, 0), (b, 0), (t * b, 0), (0, a)
    sides = [
        distance(top, corner),
        distance(top, end),
        distance(corner, middle),
        distance(middle, end),
        distance(top, middle),
    ]
    triangles = Triangles(*np.array(sides)[:, None])
    assert triangles.median(curvature)[0] == pytest.approx(sides[-1], rel=1e-9)
    if abs(curvature) > 1e-3:
        assert triangles.median(0.0)[0] != pytest.approx(sides[-1], rel=1e-3)


@pytest.mark.parametrize("curvature", [-2.0, -1e-9, 0.0, 0.5])
def test_every_triangle_knows_its_curvature(curvature):
    rng = np.random.default_rng(0)
    ab, ac, bm, mc = rng.uniform(0.5, 1.0, (4, 20))
    keep = (ab < ac + bm + mc) & (ac < ab + bm + mc) & (bm + mc < 0.9 * (ab + ac))
    sides = [x[keep] for x in (ab, ac, bm, mc)]
    placed = Triangles(*sides, np.zeros(keep.sum()))
    triangles = Triangles(*sides, placed.median(curvature))
    assert triangles.curvature() == pytest.approx(curvature, abs=1e-6)


def test_one_odd_triangle_does_not_decide():
    """Ninety-nine triangles of a sphere and a flat one six times as large."""
    one = np.full(99, 0.8)
    sides = Triangles(one, one, one / 2, one / 2, one)
    sphere = Triangles(one, one, one / 2, one / 2, sides.median(1.0))
    large = np.append(one, 4.8)
    flat = math.sqrt(4.8**2 - 2.4**2)
    both = Triangles(large, large, large / 2, large / 2, np.append(sphere.am, flat))
    low, high = quantile_interval(both.curvature())
    assert low == pytest.approx(1, abs=1e-6)
    assert high == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(("decoder", "half"), [(Sphere(), 0.86), (Sphere(), 0.79)])
def test_a_distance_that_is_not_known_well_decides_nothing(decoder, half, unit_square):
    """K ℓ² = 0.7 and 0.6 in the population, the same for all codes: the sample's ℓ may be off."""
    codes = half * (2 * unit_square - 1)
    flat = find("flat", decoder, codes)
    assert flat.interval == (0.0, 1.0)
    assert flat.verdict == "inconclusive"
    declared = find("declared-geometry", decoder, codes)
    low, high = declared.interval
    assert low < 0.6 < high
    # In the unit of the surface nothing is uncertain.
    assert declared.measurement.details["typical curvature"] == pytest.approx(1, abs=2e-3)


def test_flat_is_said_of_flat_decoders_and_not_of_spheres(unit_square):
    assert find("flat", torch.nn.Linear(2, 5).eval(), unit_square).verdict == "holds"
    assert find("flat", SwissRoll(), 5 + 5 * unit_square).verdict == "holds"
    sphere = find("flat", Sphere(), 2 * unit_square - 1)
    assert sphere.verdict == "violated"
    # A small piece of the same sphere is flat for those who stay on it.
    assert find("flat", Sphere(), 0.3 * unit_square).verdict == "holds"


def test_units_do_not_matter(unit_square):
    """Other units of data and of codes, each coordinate its own: the same verdict and effect."""
    unit = torch.tensor([1e-3, 1e2])
    codes = 2 * unit_square - 1

    def scaled(z):
        return 50 * Sphere()(z / unit)

    plain = audit(Sphere(), codes, assumptions=["flat", "smooth", "immersion"])
    other = audit(scaled, codes * unit, assumptions=["flat", "smooth", "immersion"])
    for name, finding in plain.items():
        assert other[name].verdict == finding.verdict
        assert other[name].effect == pytest.approx(finding.effect, abs=0.01)


def test_kinks_are_no_curvature(unit_square):
    def network(activation):
        torch.manual_seed(0)
        layers = [torch.nn.Linear(2, 64), activation, torch.nn.Linear(64, 64), activation]
        return torch.nn.Sequential(*layers, torch.nn.Linear(64, 10)).eval().requires_grad_(False)

    codes = 4 * unit_square[:120] - 2
    rough = audit(network(torch.nn.ReLU()), codes, assumptions=["smooth", "flat"], pairs=20)
    assert rough["smooth"].verdict == "violated"
    # Derivatives mean nothing, triangles do: kinks meet between their corners.
    assert rough["flat"].verdict == "violated"
    assert "share of negative curvature" not in rough["flat"].measurement.details
    assert find("smooth", network(torch.nn.Tanh()), codes).verdict == "holds"


def test_kinks_that_meet_are_not_flat(unit_square):
    """A pyramid: smooth at nineteen codes of twenty, with all of its curvature at the tip."""

    def pyramid(z):
        return torch.cat([z, 2 * z.abs().sum(-1, keepdim=True)], -1)

    codes = 3 * unit_square[:120] - 1.5
    both = audit(pyramid, codes, assumptions=["smooth", "flat"], pairs=20)
    assert both["smooth"].verdict != "violated"
    assert both["flat"].verdict == "violated"
    assert both["flat"].where.codes.shape == (3, 3, 2)


@pytest.mark.parametrize("decoder", [lambda z: 0 * z, lambda z: z[..., :1].repeat(1, 2)])
def test_where_directions_are_lost_nothing_is_said_of_curvature(decoder, unit_square):
    names = ["immersion", "flat", "declared-geometry"]
    lost, *curvatures = audit(decoder, unit_square, assumptions=names, pairs=20).values()
    assert lost.verdict == "violated"
    for finding in curvatures:
        assert finding.verdict == "not-applicable"
        assert "ignores a direction at 100% of the codes" in finding.reason


@pytest.mark.filterwarnings("ignore:the metric is rank-deficient")
def test_what_has_no_length_is_not_straight(unit_square):
    names = ["straight-lines", "smooth", "isometric", "unique-geodesics"]
    report = audit(lambda z: 0 * z, unit_square, assumptions=names, pairs=40)
    assert {finding.verdict for finding in report.values()} == {"inconclusive"}
    assert "40 of 40 pairs have no length" in report["straight-lines"].reason
    assert "changes at none of the codes" in report["smooth"].reason
    with pytest.warns(UserWarning, match="all codes are equal"):
        same = audit(Sphere(), unit_square[:1].repeat(60, 1), assumptions=["straight-lines"])
    assert same["straight-lines"].verdict == "inconclusive"
    assert "their codes are equal" in same["straight-lines"].reason


def test_where_a_decoder_is_not_defined_it_ignores_nothing(unit_square):
    def part(z):  # its Jacobian is zero beyond
        return torch.where(z[..., :1] > 0.5, torch.nan, z)

    finding = find("immersion", part, unit_square)
    assert finding.verdict == "inconclusive"
    assert finding.effect == 0
    assert finding.reason.endswith("gives NaN or infinity at most of those that could not.")


def test_one_pair_that_fails_leaves_distances_without_a_bound(unit_square):
    """It can carry any spread."""
    codes = unit_square[:80]
    whole = Subject(torch.nn.Identity(), codes)
    assert examine(Isometric(), whole).verdict == "holds"
    whole.pairs.path.converged[7] = False
    finding = examine(Isometric(), whole)
    assert finding.verdict == "inconclusive"
    assert finding.interval[1] == math.inf
    assert finding.measurement.failed == 1


def test_distances_of_the_declared_geometry_have_to_be_found_too(unit_square, monkeypatch):
    def astray(metric, start, end):
        path = connect(metric, start, end)
        return replace(path, converged=torch.zeros_like(path.converged))

    subject = Subject(torch.nn.Identity(), unit_square[:60])
    assert len(subject.pairs.path) == len(subject.null().pairs.path) == 30
    assert subject.triangles(100).failed == 0
    assert subject.triangles(100) is subject.triangles(1000)  # once for all claims
    for claim, module in ((Isometric(), "isometric"), (DeclaredGeometry(), "declared_geometry")):
        monkeypatch.setattr(f"geolatent.assumptions.{module}.connect", astray)
        finding = examine(claim, subject)
        assert (finding.verdict, finding.measurement.sample) == ("inconclusive", 0)


def test_isometry_is_up_to_scale_and_no_more(unit_square):
    def rotated(z):
        return 7 * torch.stack([z[..., 1], -z[..., 0], 0 * z[..., 0]], -1)

    finding = find("isometric", rotated, unit_square)
    assert finding.verdict == "holds"
    assert finding.effect < 1e-3

    def stretched(z):
        return z * torch.tensor([1.0, 5.0])

    finding = find("isometric", stretched, unit_square)
    assert finding.verdict == "violated"
    assert finding.measurement.details["after a linear map"] < 1e-3


def test_two_ways_around_a_hill():
    def hill(z):
        return torch.cat([z, 3 * (-8 * z.square().sum(-1, keepdim=True)).exp()], -1)

    side = torch.where(torch.arange(70) % 2 == 0, 1.0, -1.0)
    codes = torch.stack([side, torch.zeros(70)], 1) + 0.05 * torch.randn(70, 2)
    finding = find("unique-geodesics", hill, codes)
    # Half of the pairs lie on opposite sides of the hill.
    assert finding.effect == pytest.approx(0.5, abs=0.2)
    assert finding.null.effect == 0
    assert finding.verdict == "violated"


def test_trees_and_clouds():
    space = WrappedNormalSpace(Lorentz(dim=2, curvature=-1.0))

    def model(features):
        encoder = MLP(features, space.parameter_size)
        return VAE(encoder, space, MLP(space.feature_size, features), Gaussian(1.0)).eval()

    tree = binary_tree().train
    found = find("tree-like", model(tree.shape[1]), torch.randn(len(tree), 2), data=tree)
    assert found.verdict == "holds"
    cloud = torch.randn(400, 10)
    found = find("tree-like", model(10), torch.randn(400, 2), data=cloud)
    assert found.effect == pytest.approx(1, abs=0.15)
    assert found.verdict == "violated"
    flat = find("tree-like", torch.nn.Linear(2, 3), torch.randn(40, 2), data=torch.randn(40, 3))
    assert flat.verdict == "not-applicable"
