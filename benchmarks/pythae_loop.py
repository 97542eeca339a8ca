"""pythae's models in pythae's trainer (Chadebec et al. 2022, arXiv 2206.08309)."""

import contextlib
import io
import logging
import tempfile
from collections.abc import Callable, Iterator
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from training_loop import BATCH, FEATURES, HIDDEN, RATE, TrainingLoop
from typing_extensions import override


@final
class PythaeLoop(TrainingLoop):
    """One of pythae's models.

    Args:
        kind: ``VAE``, ``PoincareVAE`` or ``RHVAE``, with pythae's defaults; both distributions of
            the second are wrapped normals.
        dim: d.
    """

    def __init__(self, kind: str, dim: int) -> None:
        super().__init__(f"pythae {kind}", dim)
        self.kind = kind

    @override
    def train(
        self, data: Float[Tensor, "n 784"], epochs: int, after_epoch: Callable[[], None]
    ) -> None:
        from pythae.data.datasets import BaseDataset
        from pythae.trainers import BaseTrainer, BaseTrainerConfig
        from pythae.trainers.training_callbacks import TrainingCallback

        class AfterEpoch(TrainingCallback):
            def on_epoch_end(self, training_config: Any, **others: Any) -> None:
                after_epoch()

        data_set = BaseDataset(data, torch.ones(len(data)))
        silence = io.StringIO()
        with (
            tempfile.TemporaryDirectory() as folder,
            contextlib.redirect_stderr(silence),
            contextlib.redirect_stdout(silence),
            _no_log(),
        ):
            config = BaseTrainerConfig(
                output_dir=folder,
                num_epochs=epochs,
                per_device_train_batch_size=BATCH,
                learning_rate=RATE,
                no_cuda=True,
            )
            trainer = BaseTrainer(
                self._model(),
                train_dataset=data_set,
                training_config=config,
                callbacks=[AfterEpoch()],
            )
            trainer.train()

    def _model(self) -> nn.Module:
        from pythae import models

        options: dict[str, Any] = {
            "input_dim": (FEATURES,),
            "latent_dim": self.dim,
            "reconstruction_loss": "bce",
        }
        if self.kind == "PoincareVAE":
            options |= dict.fromkeys(
                ("prior_distribution", "posterior_distribution"), "wrapped_normal"
            )
        encoder, decoder = _networks(self.dim, in_ball=self.kind == "PoincareVAE")
        config = getattr(models, f"{self.kind}Config")(**options)
        model: nn.Module = getattr(models, self.kind)(config, encoder, decoder)
        return model


@contextlib.contextmanager
def _no_log() -> Iterator[None]:
    """Its loggers write to the terminal, each at a level of its own."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def _networks(dim: int, *, in_ball: bool) -> tuple[nn.Module, nn.Module]:
    """The same layers as everywhere, in pythae's classes, which are imported when needed."""
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder

    class Encoder(BaseEncoder):
        def __init__(self) -> None:
            super().__init__()
            self.latent_dim = dim
            self.hidden = nn.Linear(FEATURES, HIDDEN)
            self.location, self.spread = nn.Linear(HIDDEN, dim), nn.Linear(HIDDEN, dim)

        def forward(self, x: Tensor) -> Any:
            hidden = torch.relu(self.hidden(x))
            location = self.location(hidden)
            if in_ball:  # pythae takes the location as it is: it has to lie in the ball
                norm = location.norm(dim=-1, keepdim=True).clamp_min(1e-6)
                location = 0.95 * torch.tanh(norm) * location / norm
            return ModelOutput(embedding=location, log_covariance=self.spread(hidden))

    class Decoder(BaseDecoder):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.Sequential(
                nn.Linear(dim, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, FEATURES), nn.Sigmoid()
            )

        def forward(self, z: Tensor) -> Any:
            return ModelOutput(reconstruction=self.layers(z))

    return Encoder(), Decoder()
