"""What simulations say of themselves, against something else than the audit."""

import math

import numpy as np
import pytest
import torch

from geolatent.assumptions import Smooth, Subject
from geolatent.calibration import (
    Embedded,
    Folded,
    Kinked,
    NoisyPlane,
    Patch,
    Pseudosphere,
    Simulation,
    hyperbolic_twin,
    linear_model,
    simulations,
    solve,
)
from geolatent.calibration import statistical_simulations as statistical
from geolatent.calibration.geometric_simulations import share_near_kinks
from geolatent.calibration.patch import straight_length
from geolatent.geodesics import connect
from geolatent.networks import Paraboloid, Sphere, StretchedPlane


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def jacobian(decoder, z):
    return torch.func.vmap(torch.func.jacfwd(decoder))(z)


def test_straight_lengths_on_a_sphere():
    """A meridian and a parallel, both straight in the chart."""
    start = torch.tensor([[-0.4, 0.0], [0.9, 0.1]], dtype=torch.float64)
    end = torch.tensor([[0.7, 0.0], [0.9, 1.6]], dtype=torch.float64)
    expected = torch.tensor([1.1, 1.5 * math.cos(0.9)], dtype=torch.float64)
    found = straight_length(Sphere(), start, end)
    torch.testing.assert_close(found, expected, rtol=1e-8, atol=0)


def test_a_patch_of_an_isometric_plane():
    """Distances of points of a square: their moments are known."""
    patch = Patch(StretchedPlane(0.0), lambda u: u)
    assert patch.share_of_bent(1e-6) == 0
    assert patch.spread_of_ratios() == pytest.approx(0, abs=1e-12)
    mean = (2 + math.sqrt(2) + 5 * math.log(1 + math.sqrt(2))) / 15
    assert float(patch.distances.mean()) == pytest.approx(mean, rel=0.01)
    # Three sides of a triangle, so a third of the median perimeter is about the mean side.
    assert patch.median_side() == pytest.approx(mean, rel=0.05)


def test_solving():
    assert solve(lambda x: x**3, 0.125, 0.0, 2.0) == pytest.approx(0.5, abs=1e-3)
    assert solve(lambda x: -(x**3), -0.125, 0.0, 2.0, falls=True) == pytest.approx(0.5, abs=1e-3)
    with pytest.raises(ValueError, match="not in between"):
        solve(lambda x: x, 3.0, 0.0, 2.0)


def test_the_steep_plane_is_flat_and_steep_in_the_middle():
    z = torch.randn(30, 2, dtype=torch.float64)
    metric = jacobian(StretchedPlane(4.0, 0.5), z)
    metric = metric.mT @ metric
    speed = 1 + 4 * torch.exp(-((z[:, 0] / 0.5) ** 2))
    expected = torch.diag_embed(torch.stack([speed**2, torch.ones_like(speed)], 1))
    torch.testing.assert_close(metric, expected)


def test_somewhere_in_data_space_nothing_changes_but_the_unit():
    z = torch.randn(20, 2, dtype=torch.float64)
    plain = jacobian(Paraboloid(), z)
    embedded = jacobian(Embedded(Paraboloid(), 3, into=7, seed=1, scale=3.0).double(), z)
    torch.testing.assert_close(embedded.mT @ embedded, 9 * plain.mT @ plain, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="do not fit"):
        Embedded(Paraboloid(), 3, into=2, seed=1)


@pytest.mark.parametrize("seed", range(3))
def test_noise_stays_within_its_bound(seed):
    decoder = NoisyPlane(5, seed=seed).double()
    stretch = torch.linalg.svdvals(jacobian(decoder, torch.randn(200, 2, dtype=torch.float64)))
    assert stretch.max() < 1.0201
    assert stretch.min() > 0.9799
    assert stretch.max() - stretch.min() > 0.002


def test_a_fold_takes_a_direction_away():
    z = torch.tensor([[0.3, 0.2], [0.3, 0.9]])
    stretch = torch.linalg.svdvals(jacobian(Folded(0.7), z))
    torch.testing.assert_close(stretch, torch.tensor([[1.0, 0.5], [1.0, 0.0]]))


@pytest.mark.parametrize("left", [0.2, 0.7])
def test_kinks_are_near_to_as_many_codes_as_is_said(left):
    codes = torch.rand(4000, 2, generator=generator()) * torch.tensor([0.5, 1.0])
    codes[:, 0] += 0.5 * (torch.rand(4000, generator=generator(1)) >= left)
    found = Smooth(codes=4000).measure(Subject(Kinked(), codes)).effect
    # Three standard errors of a share of 4000.
    share = share_near_kinks(left)
    assert found == pytest.approx(share, abs=3 * math.sqrt(share / 4000))


def test_the_twin_has_the_geometry_that_it_declares():
    model = hyperbolic_twin(Pseudosphere(), 3)
    x, y = 0.6 * torch.randn(2, 12, 2, generator=generator()).clamp(-2, 2).double()
    declared = connect(model.assumed_metric(), x, y).length
    points = (model.decoder_inputs(z) for z in (x, y))
    up = [8 / (p[:, 0] - p[:, 1]) for p in points]
    assert min(u.min() for u in up) > 1  # above the rim of the tractricoid
    induced = connect(model.induced_metric(), x, y).length
    torch.testing.assert_close(induced, declared, rtol=1e-3, atol=0)


def test_a_linear_model_encodes_as_is_said():
    x = torch.randn(50, 2, generator=generator())
    posterior = linear_model([0.6, 0.8]).posterior(x)
    torch.testing.assert_close(posterior.mean, x * torch.tensor([0.6, 0.8]))
    scales = torch.tensor([0.8, 0.6])
    torch.testing.assert_close(posterior.stddev[0], scales, rtol=0, atol=2e-4)  # of the floor


@pytest.mark.parametrize("size", [0.5, 0.8])
def test_total_variation_of_two_normals_in_the_plane(size):
    """The likelihood ratio test tells as many apart as is said."""
    wide = torch.randn(200_000, 2, generator=generator()).square().sum(1)
    limit = 4 * math.log(1 / size) / (1 / size**2 - 1)
    share = float((size**2 * wide < limit).double().mean() - (wide < limit).double().mean())
    assert statistical._narrow(size) == pytest.approx(share, abs=0.005)


def test_a_tree_has_no_delta_and_noise_has_that_of_noise():
    assert statistical._delta_ratio(0.0) == pytest.approx(0, abs=1e-6)
    assert statistical._delta_ratio(3.0) == pytest.approx(1, abs=0.03)


def test_stripes_are_crossed_as_often_as_is_said():
    """Of the pairs of different classes, those from the first stripe to the last."""
    found = {s.family: s for s in simulations("monotone-paths")}
    simulation = found["stripes, outer 0.50"]
    subject = simulation.draw(0)
    stripe = (subject.codes[:, 0] // 2).long()
    start, end = stripe[:300], stripe[300:]
    across = {(0, 3), (3, 0)}
    differ = start % 2 != end % 2
    share = np.mean(
        [(int(a), int(b)) in across for a, b in zip(start[differ], end[differ], strict=True)]
    )
    assert simulation.effect == 0.25
    assert share == pytest.approx(0.25, abs=0.12)


def test_effects_have_sides():
    def side(effect):
        claim = Smooth(tolerated=0.1)
        return Simulation(assumption=claim, family="", effect=effect, draw=lambda _: None).side

    assert [side(x) for x in (0.0, 0.09, 0.1, 0.102, 0.2)] == [
        "true",
        "true",
        "edge",
        "edge",
        "false",
    ]


def test_draws_are_independent_and_repeatable():
    simulation = simulations("immersion")[0]
    assert simulation.seed(0) != simulation.seed(1)
    first, again = (simulation.draw(simulation.seed(3)).codes for _ in range(2))
    assert first.equal(again)
    assert not first.equal(simulation.draw(simulation.seed(4)).codes)
    with pytest.raises(ValueError, match="no simulations of 'seed-stable'"):
        simulations("seed-stable")
