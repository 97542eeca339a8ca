"""FlatVI's table: its definitions beside ours, and a small run of it."""

import json
import math
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.distributions import NegativeBinomial as Counts

from geolatent.cli import main
from geolatent.cli.published.flattening_palma2025 import random_couples
from geolatent.cli.published.mismatched_flattening import MismatchedFlattening, mismatched_metric
from geolatent.cli.published.unfinished_length import divergence, unfinished_length
from geolatent.latents import EuclideanSpace
from geolatent.likelihoods import Gaussian, NegativeBinomial
from geolatent.models import VAE


def linear_model(weight: torch.Tensor, dispersion: float) -> VAE:
    """log μ = W z."""
    decoder = nn.Linear(weight.shape[1], weight.shape[0], bias=False, dtype=weight.dtype)
    decoder.weight.data = weight
    likelihood = NegativeBinomial(dispersion).double()
    encoder = nn.Linear(weight.shape[0], 2 * weight.shape[1])
    return VAE(encoder, EuclideanSpace(weight.shape[1]), decoder, likelihood).double().eval()


def test_the_mismatched_metric_by_hand():
    """With μ = 1 and θ = 3 both weights are 3 / 4; elsewhere they differ."""
    weight = torch.tensor([[1.0, 0.0], [2.0, 1.0]]).double()
    model = linear_model(weight, 3.0)
    for z in (torch.zeros(2).double(), torch.tensor([0.3, -1.2]).double()):
        mean = (weight @ z).exp()
        published = weight.T @ torch.diag(3 / (mean * (3 + mean))) @ weight
        right = weight.T @ torch.diag(3 * mean / (3 + mean)) @ weight
        torch.testing.assert_close(mismatched_metric(model).matrix(z), published)
        torch.testing.assert_close(model.induced_metric().matrix(z), right)
    at_origin = torch.tensor([[3.75, 1.5], [1.5, 0.75]]).double()
    torch.testing.assert_close(mismatched_metric(model).matrix(torch.zeros(2).double()), at_origin)
    # ‖Ĝ − I‖²: 2.75² + 2 · 1.5² + 0.25² at every code of a batch at the origin.
    found = MismatchedFlattening(weight=2.0).penalty(model, torch.zeros(20_000, 2).double())
    assert found.item() == pytest.approx(2 * 12.125, rel=0.03)


def test_divergences_are_those_of_the_distributions():
    """Summed over counts; 2 KL is the square of a short Fisher-Rao length."""
    log_mean, other = torch.tensor([0.4]).double(), torch.tensor([1.1]).double()
    log_dispersion = torch.tensor([math.log(2.5)]).double()
    one, two = (
        Counts(torch.tensor(2.5).double(), logits=m - log_dispersion) for m in (log_mean, other)
    )
    x = torch.arange(600.0).double()
    exact = (one.log_prob(x).exp() * (one.log_prob(x) - two.log_prob(x))).sum()
    torch.testing.assert_close(divergence(log_mean, other, log_dispersion).sum(), exact)


def test_the_unfinished_length_is_a_tenth_of_a_length():
    """Of one gene, where all curves are as long and the length has a closed form."""
    model = linear_model(torch.ones(1, 1).double(), 2.0)
    start, end = torch.tensor([[-1.0]]).double(), torch.tensor([[1.5]]).double()
    coordinate = lambda z: 2 * math.sqrt(2) * torch.asinh((z.exp() / 2).sqrt())  # noqa: E731
    length = (coordinate(end) - coordinate(start)).abs().squeeze()
    found = unfinished_length(model, start, end)
    # The root of a mean square of 99 steps: equal to it for equal steps, else a little more.
    assert 1 < float(found * math.sqrt(99) / length) < 1.05
    assert not found.requires_grad


def test_the_curve_hardly_moves():
    """In 100 steps of 1e-4 it gains next to nothing of a detour that is worth a lot."""

    class Hill(nn.Module):
        def forward(self, z):
            return torch.stack([z[..., 0], z[..., 1], 6 * (-z.square().sum(-1)).exp()], dim=-1)

    encoder = nn.Linear(3, 4)
    model = VAE(encoder, EuclideanSpace(2), Hill(), NegativeBinomial(5.0)).double().eval()
    ends = torch.tensor([[-1.5, 0.2], [1.5, 0.2]]).double()
    found = unfinished_length(model, ends[:1], ends[1:])
    line = torch.lerp(ends[:1], ends[1:], torch.linspace(0, 1, 100).double()[:, None])
    decoded = model.decoder(line)
    log_dispersion = model.likelihood.dispersion().detach()
    straight = (2 * divergence(decoded[:-1], decoded[1:], log_dispersion).sum()).sqrt()
    assert 0.95 < float(found / straight) < 1


def test_couples_differ():
    x = torch.tensor([[0.0], [0.0], [1.0], [2.0]])
    first, second = random_couples(x, 40)
    assert (x[first] != x[second]).all()
    with pytest.raises(ValueError, match="too many are equal"):
        random_couples(torch.zeros(5, 1), 3)


def test_other_likelihoods_are_refused():
    model = VAE(nn.Linear(3, 4), EuclideanSpace(2), nn.Linear(2, 3), Gaussian(1.0))
    with pytest.raises(TypeError, match="regulariser=flat"):
        mismatched_metric(model)
    with pytest.raises(TypeError, match="no negative binomial"):
        unfinished_length(model, torch.zeros(1, 2), torch.ones(1, 2))


def test_a_small_run_leaves_both_definitions_side_by_side(elsewhere: Path):
    settings = ["train.epochs=2", "train.kl_warmup=1", "data.cells=24", "seeds=[0]"]
    settings += ["rows=['λ=0','λ=10']"]
    assert main(["reproduce", "experiment=flattening_palma2025", *settings]) == 0
    found = json.loads((elsewhere / "runs" / "flattening_palma2025" / "table.json").read_text())
    rows = {(entry["row"], entry["quantity"]): entry for entry in found["entries"]}
    published = "as published: mean (Euclidean² − √(2 Σ KL))²"
    assert {row for row, _ in rows} == {"λ=0", "λ=10", "λ=10, published penalty"}
    assert rows["λ=10, published penalty", published]["references"][0]["value"] == 11.80
    assert rows["λ=0", "95th percentile (%)"]["references"][0]["label"] == "independent re-run"
    assert all(math.isfinite(entry["values"][0]) for entry in rows.values())
    assert rows["λ=0", "mean eigenvalue of G"] != rows["λ=10", "mean eigenvalue of G"]
    assert [condition["holds"] is None for condition in found["conditions"]] == [False] * 4
