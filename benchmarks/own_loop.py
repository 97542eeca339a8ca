"""Our models in our loop."""

import contextlib
import io
import tempfile
from collections.abc import Callable
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor
from training_loop import BATCH, FEATURES, HIDDEN, RATE, TrainingLoop
from typing_extensions import override

from geolatent.latents import LatentSpace
from geolatent.likelihoods import Bernoulli
from geolatent.models import VAE
from geolatent.networks import MLP
from geolatent.training import (
    Callback,
    EpochRecord,
    Progress,
    TrainingConfig,
    TrainingRun,
    fit,
)


@final
class OwnLoop(TrainingLoop):
    """`geolatent.training.fit`.

    Args:
        name: in tables.
        dim: d.
        latent: makes the latent space of that dimension.
        logged: with everything that a run of ``geolatent train`` writes and shows: log, checkpoints
            and progress.
        dtype: of everything.
    """

    def __init__(
        self,
        name: str,
        dim: int,
        latent: Callable[[int], LatentSpace],
        *,
        logged: bool = False,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(name, dim)
        self.latent, self.logged, self.dtype = latent, logged, dtype

    @override
    def train(
        self, data: Float[Tensor, "n 784"], epochs: int, after_epoch: Callable[[], None]
    ) -> None:
        latent = self.latent(self.dim)
        model = VAE(
            MLP(FEATURES, latent.parameter_size, hidden=(HIDDEN,), activation="relu"),
            latent,
            MLP(latent.feature_size, FEATURES, hidden=(HIDDEN,), activation="relu"),
            Bernoulli(),
        ).to(self.dtype)
        config = TrainingConfig(epochs=epochs, batch_size=BATCH, learning_rate=RATE, patience=None)
        if not self.logged:
            fit(model, data.to(self.dtype), config, callbacks=[_AfterEpoch(after_epoch)])
            return
        # Nobody has to see the bar, but it is drawn as on a terminal.
        with (
            tempfile.TemporaryDirectory() as folder,
            contextlib.redirect_stderr(io.StringIO()),
        ):
            callbacks = [Progress(force=True), _AfterEpoch(after_epoch)]
            fit(model, data.to(self.dtype), config, directory=folder, callbacks=callbacks)


@final
class _AfterEpoch(Callback):
    def __init__(self, call: Callable[[], None]) -> None:
        self.call = call

    @override
    def on_epoch_end(self, run: TrainingRun, record: EpochRecord) -> None:
        self.call()
