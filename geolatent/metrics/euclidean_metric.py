"""The flat metric."""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from geolatent.metrics.metric import ClosedFormGeodesics


@final
class EuclideanMetric(ClosedFormGeodesics):
    """G(z) = I: the assumption that this toolkit makes explicit."""

    @override
    def matrix(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d d"]:
        size = z.shape[-1]
        identity = torch.eye(size, dtype=z.dtype, device=z.device)
        return identity.expand(*z.shape, size)

    @override
    def distance(
        self, start: Float[Tensor, "*b d"], end: Float[Tensor, "*b d"]
    ) -> Float[Tensor, "*b"]:
        return torch.linalg.vector_norm(end - start, dim=-1)

    @override
    def geodesic(
        self, start: Float[Tensor, "*b d"], end: Float[Tensor, "*b d"], t: Float[Tensor, "t"]
    ) -> Float[Tensor, "*b t d"]:
        return torch.lerp(start.unsqueeze(-2), end.unsqueeze(-2), t.unsqueeze(-1).to(start))
