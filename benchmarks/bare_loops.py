"""What people write themselves: a model and fifteen lines of training."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from training_loop import BATCH, FEATURES, HIDDEN, RATE, TrainingLoop
from typing_extensions import override


class BareModel(nn.Module, ABC):
    """Encoder with two heads and decoder.

    Args:
        dim: of the codes.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.encoder = nn.Linear(FEATURES, HIDDEN)
        self.location, self.spread = nn.Linear(HIDDEN, dim), nn.Linear(HIDDEN, dim)
        self.decoder = nn.Sequential(nn.Linear(dim, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, FEATURES))

    @abstractmethod
    def loss(self, x: Float[Tensor, "b 784"]) -> Float[Tensor, ""]:
        """Negative evidence lower bound, mean over the batch."""

    def heads(self, x: Float[Tensor, "b 784"]) -> tuple[Tensor, Tensor]:
        """Location and unconstrained scale."""
        hidden = torch.relu(self.encoder(x))
        return self.location(hidden), self.spread(hidden)

    def misfit(self, z: Float[Tensor, "b d"], x: Float[Tensor, "b 784"]) -> Float[Tensor, ""]:
        """Cross entropy, summed over the batch."""
        logits = self.decoder(z)
        return nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="sum")


@final
class BareVae(BareModel):
    """The variational autoencoder of the textbooks."""

    @override
    def loss(self, x: Float[Tensor, "b 784"]) -> Float[Tensor, ""]:
        mean, log_variance = self.heads(x)
        z = mean + torch.randn_like(mean) * (log_variance / 2).exp()
        divergence = (mean.square() + log_variance.exp() - 1 - log_variance).sum() / 2
        return (self.misfit(z, x) + divergence) / len(x)


@final
class GeooptPoincareVae(BareModel):
    """A Poincaré autoencoder with wrapped normals, step by step in geoopt's functions.

    Args:
        dim: of the codes.
    """

    def __init__(self, dim: int) -> None:
        import geoopt

        super().__init__(dim)
        self.ball = geoopt.PoincareBall(c=1.0)
        self.dim = dim

    @override
    def loss(self, x: Float[Tensor, "b 784"]) -> Float[Tensor, ""]:
        ball = self.ball
        head, spread = self.heads(x)
        origin = torch.zeros_like(head)
        location = ball.expmap0(head)
        scale = nn.functional.softplus(spread) + 1e-4
        # Tangent vectors at the origin count twice their ambient length there.
        tangent = ball.transp0(location, scale * torch.randn_like(head) / 2)
        z = ball.expmap(location, tangent)
        unit = torch.ones_like(scale)
        divergence = self._log_density(z, location, scale) - self._log_density(z, origin, unit)
        return (self.misfit(ball.logmap0(z), x) + divergence.sum()) / len(x)

    def _log_density(self, z: Tensor, location: Tensor, scale: Tensor) -> Tensor:
        ball = self.ball
        tangent = ball.transp(location, torch.zeros_like(location), ball.logmap(location, z))
        radius = ball.dist(location, z).clamp_min(1e-7)
        normal = -((2 * tangent / scale).square()) / 2 - scale.log() - math.log(2 * math.pi) / 2
        distortion = (self.dim - 1) * (torch.sinh(radius).log() - radius.log())
        return normal.sum(-1) - distortion


@final
class BareLoop(TrainingLoop):
    """Batches by indexing, and one optimiser.

    Args:
        name: in tables.
        dim: d.
        model: what is trained.
        fused: whether Adam is one kernel.
        dtype: of everything.
    """

    def __init__(
        self,
        name: str,
        dim: int,
        model: type[BareModel],
        *,
        fused: bool = True,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(name, dim)
        self.model, self.fused, self.dtype = model, fused, dtype

    @override
    def train(
        self, data: Float[Tensor, "n 784"], epochs: int, after_epoch: Callable[[], None]
    ) -> None:
        model, data = self.model(self.dim).to(self.dtype), data.to(self.dtype)
        optimizer = torch.optim.Adam(model.parameters(), RATE, fused=self.fused)
        for _ in range(epochs):
            for rows in torch.randperm(len(data)).split(BATCH):
                loss = model.loss(data[rows])
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
            after_epoch()
