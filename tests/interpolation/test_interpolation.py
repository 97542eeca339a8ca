import json
import math
import sys

import numpy as np
import pytest
import torch
from torch import nn

from geolatent.interpolation import (
    affine_null,
    compare,
    nearest_distance,
    random_pairs,
    summarise_bend,
)
from geolatent.latents import EuclideanSpace, WrappedNormalSpace
from geolatent.likelihoods import HeteroscedasticGaussian
from geolatent.manifolds import Lorentz
from geolatent.metrics import PullbackMetric
from geolatent.models import VAE
from geolatent.networks import MLP, Sphere, SwissRoll


@pytest.fixture
def codes():
    return torch.randn(2, 12, 2)


def _vae(latent):
    likelihood = HeteroscedasticGaussian()
    decoder = MLP(latent.feature_size, likelihood.feature_size(5), hidden=(8,))
    return VAE(MLP(5, latent.parameter_size), latent, decoder, likelihood).eval()


class TestCompare:
    def test_linear_decoder_is_flat(self, codes):
        comparison = compare(nn.Linear(2, 9), *codes)
        assert comparison.excess.abs().max() < 1e-6
        bend = comparison.bend()
        assert bend.share == 0
        assert bend.share_interval[1] < 0.3
        assert bend.failed == 0

    def test_sphere_is_not(self, codes):
        start, end = codes
        surface = Sphere()
        comparison = compare(surface, start / 2, end / 2 + torch.tensor([0.0, 1.5]))
        exact = surface.distance(start / 2, end / 2 + torch.tensor([0.0, 1.5]))
        linear, geodesic = comparison.paths["linear"], comparison.paths["geodesic"]
        torch.testing.assert_close(geodesic.length, exact, rtol=1e-5, atol=0)
        torch.testing.assert_close(
            comparison.excess, linear.length / geodesic.length - 1, atol=1e-5, rtol=0
        )
        assert (comparison.excess > 0).all()

    def test_assumed_path_follows_the_declared_geometry(self, codes):
        model = _vae(WrappedNormalSpace(Lorentz(2)))
        comparison = compare(model, *codes, paths=("linear", "assumed", "geodesic"))
        assumed = comparison.paths["assumed"].points
        steps = model.latent.metric.distance(assumed[:, :-1], assumed[:, 1:])
        whole = model.latent.metric.distance(*codes)
        torch.testing.assert_close(steps.sum(1), whole, rtol=1e-4, atol=0)
        lengths = {name: path.length for name, path in comparison.paths.items()}
        assert (lengths["geodesic"] <= lengths["linear"] * (1 + 1e-5)).all()
        expected = lengths["assumed"] / lengths["geodesic"] - 1
        torch.testing.assert_close(comparison.assumed_excess, expected)

    def test_flat_assumption_makes_assumed_and_linear_one(self, codes):
        comparison = compare(_vae(EuclideanSpace(2)), *codes, paths=("linear", "assumed"))
        linear, assumed = comparison.paths.values()
        torch.testing.assert_close(linear.points, assumed.points)

    def test_profiles(self, codes):
        model, data = _vae(EuclideanSpace(2)), torch.rand(30, 5)
        comparison = compare(model, *codes, data=data)
        profile = comparison.profiles["geodesic"]
        points = comparison.paths["geodesic"].points
        decoded = model.decode(points)
        expected = (decoded[:, :, None] - data).square().mean(-1).sqrt().amin(-1)
        torch.testing.assert_close(profile.distance_to_data, expected, atol=1e-5, rtol=0)
        torch.testing.assert_close(profile.uncertainty, model.uncertainty(points))
        pairwise = (data[:, None] - data).square().mean(-1).sqrt().fill_diagonal_(math.inf)
        assert comparison.data_spacing == pytest.approx(pairwise.amin(1).median().item(), rel=1e-3)

    def test_table(self, codes):
        frame = compare(Sphere(), *(c / 2 for c in codes)).to_frame()
        assert list(frame["path"].unique()) == ["linear", "geodesic"]
        assert len(frame) == 24
        assert "greatest_uncertainty" not in frame  # a bare decoder states none
        summary = compare(Sphere(), *(c / 2 for c in codes)).summary()
        linear = frame[frame["path"] == "linear"]
        assert summary.loc["linear", "length"] == pytest.approx(linear["length"].median())
        assert "greatest_uncertainty" not in summary

    def test_a_failed_pair_is_counted_and_not_averaged(self):
        def decoder(z):
            return torch.where(z[..., :1] > 5, torch.nan, z)

        start, end = torch.zeros(4, 2), torch.tensor([[1.0, 0], [2.0, 0], [9.0, 0], [1.0, 1]])
        comparison = compare(decoder, start, end)
        assert comparison.excess.isnan().tolist() == [False, False, True, False]
        bend = comparison.bend()
        assert (bend.pairs, bend.failed) == (3, 1)
        assert "1 pairs could not be measured" in str(bend)
        assert comparison.most_bent(4)[-1] == 2
        summary = comparison.summary()
        assert summary["converged"].tolist() == [0.75, 0.75]
        assert summary.loc["linear", "length"] == pytest.approx(2**0.5)  # of 1, 2 and √2

    @pytest.mark.usefixtures("as_in_production")
    @pytest.mark.parametrize(
        ("start", "end", "data", "message"),
        [
            (torch.zeros(1, 2), torch.zeros(5, 2), None, r"\(1, 2\) and \(5, 2\)"),
            (torch.full((3, 2), math.nan), torch.zeros(3, 2), None, "3 rows that are not finite"),
            (torch.zeros(3, 2).int(), torch.zeros(3, 2).int(), None, "floating point"),
            (torch.zeros(3, 2), torch.ones(3, 2), torch.rand(1, 3), "at least two rows"),
            (torch.zeros(3, 2), torch.ones(3, 2), torch.full((4, 3), math.inf), "12 entries"),
            (torch.zeros(3, 2), torch.ones(3, 2), torch.rand(4, 3).double(), "convert one"),
        ],
    )
    def test_refuses_bad_codes_and_data(self, start, end, data, message):
        with pytest.raises(ValueError, match=message):
            compare(Sphere(), start, end, paths=("linear",), data=data)

    def test_takes_data_in_the_decoder_s_shape(self, codes):
        decoder = nn.Sequential(nn.Linear(2, 8), nn.Unflatten(-1, (2, 2, 2)))
        data = torch.rand(6, 2, 2, 2)
        image = compare(decoder, *codes, data=data)
        flat = compare(decoder, *codes, data=data.flatten(1))
        assert torch.equal(
            image.profiles["linear"].distance_to_data, flat.profiles["linear"].distance_to_data
        )

    def test_refuses_misfitting_data(self, codes):
        with pytest.raises(ValueError, match="gives 3 features but the data have 7"):
            compare(Sphere(), *codes, data=torch.rand(5, 7))


class TestRandomPairs:
    def test_no_item_occurs_twice(self):
        start, end = random_pairs(20, 10, seed=0)
        assert sorted(torch.cat([start, end]).tolist()) == list(range(20))

    def test_depends_on_the_seed_and_on_nothing_else(self):
        state = torch.get_rng_state()
        first = random_pairs(100, 10, seed=1)
        torch.rand(3)
        torch.set_rng_state(state)
        assert torch.equal(first[0], random_pairs(100, 10, seed=1)[0])
        assert not torch.equal(first[0], random_pairs(100, 10, seed=2)[0])
        assert torch.equal(torch.get_rng_state(), state)

    def test_refuses_too_many(self):
        with pytest.raises(ValueError, match="a pair needs two codes but there are 1"):
            random_pairs(1, 1, seed=0)
        with pytest.raises(ValueError, match="11 disjoint pairs need 22 codes but there are 20"):
            random_pairs(20, 11, seed=0)


class TestBend:
    def test_numbers(self):
        bend = summarise_bend(torch.tensor([0.0, 0.01, 0.02, 0.06, 0.5, math.nan]))
        assert (bend.pairs, bend.failed) == (5, 1)
        assert bend.median == pytest.approx(0.02)
        assert bend.share == pytest.approx(0.4)
        # Exact binomial interval of 2 in 5.
        assert bend.share_interval == pytest.approx((0.0527, 0.8534), abs=1e-4)
        assert bend.greatest == pytest.approx(0.5)
        assert json.loads(json.dumps(bend.to_dict()))["share"] == pytest.approx(0.4)

    def test_median_interval_covers_the_median(self):
        """Coverage over repetitions, within the binomial error of 100 of them."""
        generator = np.random.default_rng(0)
        covered = 0
        for _ in range(100):
            sample = torch.tensor(generator.exponential(size=60))
            low, high = summarise_bend(sample).median_interval
            covered += low <= math.log(2) <= high
        assert covered >= 88

    def test_nothing_measured(self):
        bend = summarise_bend(torch.tensor([math.nan]))
        assert bend.pairs == 0
        assert math.isnan(bend.share)
        with pytest.raises(ValueError, match="no pairs"):
            summarise_bend(torch.zeros(0))


class TestAffineNull:
    def test_is_flat_and_of_the_metric_s_size(self):
        codes = torch.rand(200, 2) * 3 + 5
        metric = PullbackMetric(SwissRoll())
        null = affine_null(metric, codes)
        comparison = compare(null.immersion, codes[:50], codes[50:100])
        assert comparison.excess.abs().max() < 1e-6
        size = null.matrix(codes).diagonal(dim1=-2, dim2=-1).sum(-1).mean()
        original = metric.matrix(codes).diagonal(dim1=-2, dim2=-1).sum(-1).mean()
        assert 0.05 < size / original < 1.01  # least squares never steepens

    def test_reproduces_an_affine_map(self):
        decoder = nn.Linear(3, 7).requires_grad_(False)
        codes = torch.randn(50, 3)
        null = affine_null(PullbackMetric(decoder), codes)
        torch.testing.assert_close(
            null.matrix(codes), PullbackMetric(decoder).matrix(codes), rtol=1e-4, atol=1e-5
        )

    def test_refuses_too_few_codes(self):
        with pytest.raises(ValueError, match="needs more codes"):
            affine_null(PullbackMetric(Sphere()), torch.rand(2, 2))

    def test_codes_without_an_image_are_left_out(self):
        decoder = nn.Linear(3, 7).requires_grad_(False)
        codes = torch.randn(50, 3)
        holes = codes[:, :1] > 1

        def with_holes(z):
            return torch.where(z[:, :1] > 1, torch.nan, decoder(z))

        assert holes.any()
        found = affine_null(PullbackMetric(with_holes), codes).matrix(codes)
        torch.testing.assert_close(
            found, PullbackMetric(decoder).matrix(codes), rtol=1e-4, atol=1e-5
        )
        with pytest.raises(ValueError, match="finite at 0 of 50"):
            affine_null(PullbackMetric(lambda z: decoder(z) * torch.nan), codes)


def test_nearest_distance_does_not_depend_on_the_offset():
    x, data = torch.rand(50, 64), torch.rand(60, 64)
    near, far = nearest_distance(x, data), nearest_distance(x + 1000, data + 1000)
    # The sums themselves round by 1000 ε.
    torch.testing.assert_close(far, near, atol=1e-4, rtol=0)


def test_nearest_distance_in_chunks(monkeypatch):
    x, data = torch.rand(50, 4), torch.rand(20, 4)
    whole = nearest_distance(x, data)
    module = sys.modules[nearest_distance.__module__]  # its name is also that of its function
    monkeypatch.setattr(module, "_DISTANCES_AT_ONCE", 60)
    torch.testing.assert_close(nearest_distance(x, data), whole)
