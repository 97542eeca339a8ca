"""Distances over seeds: the definitions of the table, and a small run of it."""

import json
import math
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn

from geolatent.cli import main
from geolatent.cli.published import reproducible_syrota2024
from geolatent.cli.published.clustering_f_measure import clustering_f_measure
from geolatent.cli.published.decorrelated_curve import decorrelated_curve, decorrelated_energy
from geolatent.cli.published.reproducible_syrota2024 import paired_test, variation
from geolatent.latents import EuclideanSpace
from geolatent.likelihoods import Ensemble, Gaussian
from geolatent.models import VAE
from geolatent.networks import MLP, EnsembleDecoder


def test_variation_by_hand():
    assert variation([(1.0, 2.0, 3.0), (3.0, 2.0, math.nan)])[:2] == (math.sqrt(2) / 2, 0.0)
    assert math.isnan(variation([(1.0, 2.0, 3.0), (3.0, 2.0, math.nan)])[2])
    assert variation([(1.0, 2.0)]) == ()


def test_the_paired_test_by_hand():
    """Differences −1, −2, −3, −2: mean −2, standard error √(2/3) / 2, three degrees of freedom."""
    found = paired_test([1.0, 1, 1, 1, math.nan], [2.0, 3, 4, 3, 1])
    assert found.pairs == 4
    assert found.share == 1
    assert math.isclose(found.t, -2 / (math.sqrt(2 / 3) / 2))
    assert 0.005 < found.p < 0.01  # of |t| = 4.899: 0.0081, one-sided
    assert paired_test([2.0, 3, 4, 3], [1.0, 1, 1, 1]).p > 0.99
    assert paired_test([], [1.0, 2.0]) is None


def test_f_measures_by_hand():
    classes = torch.tensor([0, 0, 0, 1, 1, 2])
    assert clustering_f_measure(classes, torch.tensor([5, 5, 5, 0, 0, 3])) == 1
    # One cluster: F = 2 n_c / (n_c + 6), weighted by n_c / 6.
    expected = (3 * 6 / 9 + 2 * 4 / 8 + 1 * 2 / 7) / 6
    assert math.isclose(clustering_f_measure(classes, torch.zeros(6, dtype=torch.long)), expected)
    # The second class is torn apart: precision and recall of its better half are 1 and 1/2.
    torn = clustering_f_measure(classes, torch.tensor([0, 0, 0, 1, 3, 2]))
    assert math.isclose(torn, (3 + 2 * 2 / 3 + 1) / 6)


def apart(k: float) -> VAE:
    """Two members (x, y, ±k y): disagreement k² y², mean (x, y, 0)."""
    decoder = EnsembleDecoder(partial(MLP, 2, hidden=()), members=2, out_size=6)
    for member, sign in zip(decoder.members, (1, -1), strict=True):
        (layer,) = member
        layer.weight.data = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, sign * k]])
        layer.bias.data.zero_()
    encoder = nn.Linear(3, 4)
    model = VAE(encoder, EuclideanSpace(2), decoder, Ensemble(Gaussian(1.0), members=2))
    return model.double().eval()


def test_the_energy_is_the_expectation_over_members():
    model = apart(0.7)
    curve = torch.randn(3, 5, 2, dtype=torch.float64)
    members = [member(curve) for member in model.decoder.members]
    exact = 0.0
    for one in members:
        for other in members:
            exact = exact + (other[:, 1:] - one[:, :-1]).square().sum((1, 2)) / 4
    torch.testing.assert_close(decorrelated_energy(model, curve), 4 * exact)


def test_nodes_give_way_to_disagreement_as_they_should():
    """y of a curve between two codes at y = 1 is a hyperbolic cosine of the node's number."""
    k, segments = 0.3, 8
    start, end = torch.tensor([[0.0, 1.0]]), torch.tensor([[2.0, 1.0]])
    times = torch.linspace(0, 1, segments + 1).double()
    straight = torch.lerp(start.double()[:, None], end.double()[:, None], times[:, None])
    curves = decorrelated_curve(apart(k), straight)
    assert curves.settled.all()
    found = curves.nodes[0]
    rate = math.acosh(1 + k**2)  # y_{i+1} − 2 y_i + y_{i−1} = 2 k² y_i
    number = torch.arange(segments + 1).double() - segments / 2
    expected = torch.cosh(rate * number) / math.cosh(rate * segments / 2)
    torch.testing.assert_close(found[:, 1], expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(found[:, 0], 2 * times, atol=1e-5, rtol=0)


def test_a_curve_that_is_not_at_its_minimum_is_not_settled():
    times = torch.linspace(0, 1, 33).double()[:, None]
    ends = torch.tensor([[[0.0, 1.0], [2.0, 1.0]], [[0.0, 0.0], [2.0, 0.0]]]).double()
    straight = torch.lerp(ends[:, :1], ends[:, 1:], times)
    cut_short = decorrelated_curve(apart(0.3), straight, max_iterations=5)
    assert cut_short.settled.tolist() == [False, True]  # the second is straight at its minimum


def test_one_likelihood_is_no_ensemble():
    model = VAE(nn.Linear(3, 4), EuclideanSpace(2), nn.Linear(2, 3), Gaussian(1.0))
    with pytest.raises(TypeError, match="take likelihood=ensemble"):
        decorrelated_energy(model, torch.zeros(1, 3, 2))


SMALL = ["train.epochs=1", "train.uncertainty_epochs=1", "importance_samples=1"]


def small_table(folder: Path, *settings: str) -> dict:
    assert main(["reproduce", "experiment=reproducible_syrota2024", *SMALL, *settings]) == 0
    return json.loads((folder / "runs" / "reproducible_syrota2024" / "table.json").read_text())


@pytest.mark.slow
def test_a_small_run_compares_seed_with_seed(elsewhere: Path, monkeypatch):
    for name, value in (("_PAIRS", 4), ("_NODES", 4)):
        monkeypatch.setattr(reproducible_syrota2024, name, value)
    members = ["network.decoder.members=2", "likelihood.members=2"]
    found = small_table(elsewhere, "rows=[ensemble]", "seeds=[0,1]", *members)
    rows = {(entry["row"], entry["quantity"]): entry["values"] for entry in found["entries"]}
    files = sorted((elsewhere / "runs").rglob("measured.json"))
    one, other = (
        torch.tensor(json.loads(file.read_text())["Euclidean"]).double() for file in files
    )
    assert len(one) == 4
    expected = ((one - other).abs() / math.sqrt(2) / ((one + other) / 2)).mean()
    assert math.isclose(rows["ensemble of 8", "CV, Euclidean"][0], expected, rel_tol=1e-6)
    assert found["conditions"][0]["holds"] is not None
    assert found["conditions"][2]["holds"] is None  # the other decoder was not asked for


@pytest.mark.slow
def test_a_small_run_finds_clusters(elsewhere: Path, monkeypatch):
    monkeypatch.setattr(reproducible_syrota2024, "_SUBSET", 8)
    found = small_table(elsewhere, "rows=['digits 3, 4, 7']", "seeds=[0]")
    rows = {(entry["row"], entry["quantity"]): entry for entry in found["entries"]}
    entry = rows["digits 3, 4, 7", "F-measure, Riemannian (%)"]
    assert entry["references"] == [
        {"label": "MNIST, secondary source", "value": 89.5, "spread": None}
    ]
    assert 0 < entry["values"][0] <= 100
