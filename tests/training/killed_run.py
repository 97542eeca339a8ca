"""Runs that may be killed: started by test_resume.py, each in a process of its own.

Arguments: for every run its folder, and when to be killed: 'never', 'stage epoch' or 'stage epoch
batch'. Prints how the runs ended. They are forks of a process that has imported everything, which
takes longer than a run, and has drawn and computed nothing.
"""

import os
import random
import signal
import sys
import traceback

import geoopt
import torch
import torch._dynamo  # which optimisers import
from torch import Tensor, nn

from geolatent.latents import EuclideanSpace
from geolatent.likelihoods import HeteroscedasticGaussian
from geolatent.models import VAE
from geolatent.networks import MLP, RbfPrecisionDecoder
from geolatent.training import Callback, Checkpoints, TrainingConfig, fit


class Encoder(nn.Module):
    """With what makes a resume hard: dropout, running averages, a parameter on a manifold."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Linear(64, 12), nn.BatchNorm1d(12), nn.Dropout(0.1))
        start = torch.randn(12)
        self.direction = geoopt.ManifoldParameter(start / start.norm(), geoopt.Sphere())
        self.last = nn.Linear(12, 4)
        self.calls = 0
        self.fatal_call: int | None = None

    def forward(self, x: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            self.calls += 1
            if self.calls == self.fatal_call:
                os.kill(os.getpid(), signal.SIGKILL)
        return self.last(self.first(x).tanh() * (1 + self.direction))


class Kill(Callback):
    """Kills the process at the end of an epoch, or during the next one."""

    def __init__(self, encoder: Encoder, stage: str, epoch: str, batch: str | None = None) -> None:
        self.encoder, self.stage = encoder, stage
        self.epoch, self.batch = int(epoch), batch

    def on_epoch_end(self, run, record) -> None:
        if (record.stage, record.epoch) == (self.stage, self.epoch):
            if self.batch is None:
                os.kill(os.getpid(), signal.SIGKILL)
            self.encoder.fatal_call = self.encoder.calls + int(self.batch)


def main(folder: str, kill: str) -> None:
    torch.manual_seed(5)
    encoder = Encoder()
    decoder = RbfPrecisionDecoder(MLP(2, 64, hidden=(12,)), 2, 64, centres=5)
    model = VAE(encoder, EuclideanSpace(2), decoder, HeteroscedasticGaussian())
    config = TrainingConfig(
        epochs=6,
        batch_size=100,
        learning_rate=0.01,
        kl_warmup=2,
        clip_norm=50.0,
        weight_decay=1e-4,
        uncertainty_epochs=4,
    )
    callbacks: list[Callback] = [Checkpoints(folder, every=1)]
    if kill != "never":
        callbacks.append(Kill(encoder, *kill.split()))
    data = torch.rand(700, 64)
    before = random.getstate()
    parts = data[:510], data[510:]
    result = fit(model, parts, config, directory=folder, callbacks=callbacks, resume=True)
    assert random.getstate() == before
    assert [(stage.stage, stage.epochs) for stage in result.stages] == [
        ("main", 6),
        ("uncertainty", 4),
    ]


def exit_code(folder: str, kill: str) -> int:
    child = os.fork()
    if child == 0:
        try:
            main(folder, kill)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    for run in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
        print(exit_code(*run))
