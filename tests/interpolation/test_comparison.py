"""Effects, tables and words of a comparison."""

import dataclasses
import json
import math

import pytest
import torch
from torch import nn

from geolatent.interpolation import MEASURES, Profile, compare
from geolatent.latents import EuclideanSpace
from geolatent.likelihoods import Beta, HeteroscedasticGaussian
from geolatent.models import VAE
from geolatent.networks import MLP


def hill(z):
    return torch.cat([z, 3 * torch.exp(-2 * z.square().sum(-1, keepdim=True))], -1)


@pytest.fixture
def ends():
    return torch.randn(2, 40, 2, dtype=torch.float64)


@pytest.fixture
def hilly(ends):
    return compare(hill, *ends, paths=("linear", "spherical", "geodesic"), null=True)


class TestAnAffineDecoder:
    @pytest.fixture
    def comparison(self, ends):
        data = torch.randn(60, 7, dtype=torch.float64)
        paths = ("linear", "assumed", "geodesic")
        decoder = nn.Linear(2, 7).double()
        return compare(decoder, *ends, paths=paths, data=data, null=True)

    def test_has_no_effects(self, comparison):
        effects = comparison.effects()
        assert set(effects["path"]) == {"assumed", "geodesic"}
        assert (effects[["low", "difference", "high", "d_z", "rank_biserial", "share"]] == 0).all(
            axis=None
        )
        assert (effects["verdict"] == "same").all()

    def test_is_said_to_be_flat(self, comparison):
        text = str(comparison)
        assert text.startswith("Flat is fine here")
        assert "0.0% longer in the median (0.0% to 0.0%)" in " ".join(text.split())
        assert "geodesic: no difference in any measure on any pair" in text

    def test_of_few_pairs_is_not(self, ends):
        few = compare(nn.Linear(2, 7).double(), *ends[:, :8])
        assert str(few).startswith("Undecided")
        assert "take more pairs" in str(few)


class TestEffects:
    def test_are_paired_differences_from_the_straight_line(self, hilly):
        effects = hilly.effects().set_index(["path", "measure"])
        linear, geodesic = hilly.paths["linear"], hilly.paths["geodesic"]
        ratio = (geodesic.length / linear.length).log()
        row = effects.loc[("geodesic", "length")]
        # Differences below a hundredth of what matters count as none, which no median notices.
        assert math.log1p(row["difference"]) == pytest.approx(float(ratio.quantile(0.5)), abs=5e-4)
        assert row["low"] <= row["difference"] <= row["high"] < 0
        assert row["share"] == float((ratio < -math.log(1.05)).double().mean())
        assert row["unit"] == "ratio"
        variation = geodesic.speed_variation - linear.speed_variation
        row = effects.loc[("geodesic", "speed_variation")]
        assert row["difference"] == pytest.approx(float(variation.quantile(0.5)), abs=1e-3)

    def test_the_share_of_lengths_is_the_bend(self, hilly):
        effects = hilly.effects().set_index(["path", "measure"])
        bend = hilly.bend()
        assert effects.loc[("geodesic", "length"), "share"] == bend.share
        assert effects.loc[("geodesic", "length"), "share_low"] == bend.share_interval[0]

    def test_beside_the_affine_null(self, hilly):
        effects = hilly.effects().set_index(["path", "measure"])
        assert effects.loc[("geodesic", "length"), "null_share"] == 0
        assert effects.loc[("geodesic", "length"), "null_difference"] == 0
        # A detour is one on flat ground too.
        assert effects.loc[("spherical", "length"), "null_difference"] > 0.01
        text = " ".join(str(hilly).split())
        assert "On the affine decoder nearest to this one it is 0% of pairs" in text

    def test_against_another_path(self, hilly):
        forth = hilly.effects(reference="geodesic").set_index(["path", "measure"])
        back = hilly.effects().set_index(["path", "measure"])
        one = forth.loc[("linear", "length"), "difference"]
        other = back.loc[("geodesic", "length"), "difference"]
        assert (1 + one) * (1 + other) == pytest.approx(1)
        with pytest.raises(ValueError, match="no path 'graph' in this comparison"):
            hilly.effects(reference="graph")

    def test_only_pairs_on_which_both_paths_converged(self, hilly):
        path = hilly.paths["geodesic"]
        failed = dataclasses.replace(path, converged=torch.arange(40) >= 3)
        some = dataclasses.replace(hilly, paths={**hilly.paths, "geodesic": failed})
        effects = some.effects().set_index(["path", "measure"])
        row = effects.loc[("geodesic", "length")]
        assert (row["pairs"], row["failed"]) == (37, 3)
        assert effects.loc[("spherical", "length"), "pairs"] == 40
        assert "3 more pairs could not be measured" in " ".join(str(some).split())
        assert "3 failed" in str(some)

    def test_distances_are_in_spacings_of_the_data(self, ends):
        data = hill(torch.randn(50, 2, dtype=torch.float64))
        found = compare(hill, *ends, data=data)
        effects = found.effects().set_index(["path", "measure"])
        frame = found.to_frame()
        farthest = frame[frame["path"] == "geodesic"]["greatest_distance_to_data"].median()
        row = effects.loc[("geodesic", "greatest_distance_to_data")]
        assert row["path_median"] * found.data_spacing == pytest.approx(farthest)

    def test_a_code_and_itself_are_no_pair(self, ends):
        start, end = ends[:, :4].clone()
        end[1] = start[1]
        found = compare(hill, start, end, paths=("linear", "assumed", "geodesic"))
        effects = found.effects().set_index(["path", "measure"])
        assert effects.loc[("geodesic", "length"), "pairs"] == 3
        assert effects.loc[("geodesic", "length"), "failed"] == 1
        for excess in (found.excess, found.assumed_excess):
            assert excess.isnan().tolist() == [False, True, False, False]

    def test_a_pair_given_again_counts_once(self, ends):
        start, end = ends[:, :4].clone()
        start[1:3], end[1:3] = end[0], start[0]
        found = compare(hill, start, end)
        assert found.effects()["pairs"].tolist() == [2] * 4
        assert found.excess.isnan().tolist() == [False, True, True, False]
        assert found.unmeasured() == {"the pair repeats an earlier one": 2}
        assert found.shared_codes == 0

    def test_codes_of_several_pairs_are_told(self, ends):
        found = compare(hill, ends[0, :1].expand(3, 2).contiguous(), ends[1, :3])
        assert found.effects()["pairs"].tolist() == [3] * 4
        assert "Codes that are in several pairs: 1." in str(found)

    @pytest.mark.parametrize("name", ["linear", "geodesic"])
    def test_failures_of_either_path_count(self, hilly, name):
        failed = dataclasses.replace(hilly.paths[name], converged=torch.arange(40) >= 3)
        some = dataclasses.replace(hilly, paths={**hilly.paths, name: failed})
        effects = some.effects().set_index(["path", "measure"])
        assert effects.loc[("geodesic", "length"), "failed"] == 3
        assert some.unmeasured() == {"a path has not converged": 3}

    @pytest.mark.parametrize("name", ["assumed", "geodesic"])
    def test_failures_of_either_path_have_no_assumed_excess(self, ends, name):
        found = compare(hill, *ends[:, :4], paths=("assumed", "geodesic"))
        failed = dataclasses.replace(found.paths[name], converged=torch.arange(4) != 2)
        some = dataclasses.replace(found, paths={**found.paths, name: failed})
        assert some.assumed_excess.isnan().tolist() == [False, False, True, False]

    def test_decoded_ends_that_are_all_the_same_are_no_scale(self, ends):
        found = compare(lambda z: 0 * z, *ends, paths=("linear", "spherical"))
        assert "second_differences" not in set(found.effects()["measure"])
        assert "which is its unit, is 0" in found.left_out["second differences"]

    @pytest.mark.filterwarnings("ignore:the metric is rank-deficient")
    @pytest.mark.parametrize("size", [0.0, 1e-17])
    def test_a_decoder_that_gives_the_same_everywhere_is_not_flat(self, ends, size):
        found = compare(lambda z: 1 + size * z, *ends[:, :36], paths=("linear", "geodesic"))
        text = " ".join(str(found).split())
        assert text.startswith("Undecided: none of 36 pairs could be measured.")
        assert "36 (the decoder gives the same, up to rounding, for both codes and all" in text
        assert found.excess.isnan().all()

    def test_data_that_are_all_copies_have_no_unit(self, ends):
        found = compare(
            hill, *ends[:, :3], paths=("linear", "spherical"), data=torch.ones(9, 3).double()
        )
        assert "greatest_distance_to_data" not in set(found.effects()["measure"])
        assert "most data have a copy" in found.left_out["distance to data"]


class TestWords:
    def test_a_hill(self, hilly):
        text = " ".join(str(hilly).split())
        assert text.startswith("Straight lines are not geodesics here")
        bend = hilly.bend()
        assert f"for {bend.share:.0%} of 40 pairs" in text
        assert f"{bend.median:.1%} longer in the median" in text

    def test_a_null_that_bends_refutes_the_measurement(self, hilly):
        text = str(dataclasses.replace(hilly, null=hilly))
        assert text.startswith("Nothing can be concluded")

    def test_what_was_left_out_and_why(self, hilly):
        assert set(hilly.left_out) == {
            "distance to data",
            "uncertainty",
            "cycle error",
            "evidence bound",
            "classes",
        }
        text = " ".join(str(hilly).split())
        assert "cycle error (the subject has no encoder)" in text
        assert "distance to data (there are no data: pass data=)" in text

    def test_nothing_is_left_out_of_a_model_with_labelled_data(self):
        likelihood = HeteroscedasticGaussian()
        decoder = MLP(2, likelihood.feature_size(5), hidden=(8,))
        model = VAE(MLP(5, 4, hidden=(8,)), EuclideanSpace(2), decoder, likelihood).eval()
        data, labels = torch.rand(30, 5), torch.arange(30) % 3
        found = compare(model, *torch.randn(2, 6, 2), data=data, labels=labels, null=True)
        assert not found.left_out
        assert set(found.effects()["measure"]) == set(MEASURES)
        assert not found.to_frame().isna().any(axis=None)
        assert "Not measured" not in str(found)

    def test_a_metric_without_an_immersion_has_no_affine_null(self):
        model = VAE(
            MLP(5, 4, hidden=(8,)), EuclideanSpace(2), MLP(2, 10, hidden=(8,)), Beta()
        ).eval()
        found = compare(model, *torch.randn(2, 3, 2), paths=("linear",), null=True)
        assert found.null is None
        assert "has no immersion" in found.left_out["affine null"]

    def test_one_kind_of_path_has_nothing_to_be_compared_with(self, ends):
        text = str(compare(hill, *ends, paths=("geodesic",)))
        assert text.startswith("40 pairs, one kind of path (geodesic): nothing to compare.")

    def test_where_the_decoder_is_not_a_number(self, ends):
        def root(z):
            return torch.cat([z[:, :1].sqrt(), z], 1)

        start, end = ends[:, :8].abs()
        end[1:, 0] *= -1
        text = str(compare(root, start, end))
        assert "7 (the decoder gives NaN or infinity on the way)" in text
        assert "nan" not in text.replace("NaN", "")
        assert "0% to 100%, those that failed being either" in " ".join(text.split())

    def test_all_pairs_failed(self):
        start = torch.ones(3, 2)
        text = str(compare(lambda z: z.log(), start, -start))
        assert "Undecided: none of 3 pairs could be measured" in text
        assert "none of 3 pairs measured" in text


class TestJson:
    def test_is_what_was_measured(self, hilly):
        numbers = json.loads(hilly.to_json())
        assert numbers["pairs"] == 40
        assert numbers["bend"]["share"] == hilly.bend().share
        assert len(numbers["effects"]) == 2 * 4
        assert numbers["left_out"] == hilly.left_out
        assert numbers["bootstrap_seed"] == 0

    def test_of_no_pairs(self, ends):
        numbers = compare(hill, *ends[:, :0]).to_dict()
        assert numbers["pairs"] == 0
        assert "bend" not in numbers

    def test_has_no_nan(self):
        start = torch.ones(3, 2)
        numbers = json.loads(compare(lambda z: z.log(), start, -start).to_json())
        assert numbers["effects"][0]["difference"] is None


def test_a_profile_says_nothing_of_what_it_does_not_know():
    assert Profile().end_class_probability is None
    assert Profile().purity is None
