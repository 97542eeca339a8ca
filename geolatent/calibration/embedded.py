"""A surface somewhere in data space."""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from typing_extensions import override


@final
class Embedded(nn.Module):
    r"""A decoder with another's geometry, up to its unit, and nothing else in common.

    .. math:: z \mapsto s\, Q\, f(z) + b, \qquad Q^\top Q = 1

    with a random Q and shift b.

    Args:
        decoder: f, with values `(*b, n)`.
        features: n.
        into: data features, at least n.
        seed: of Q, b and s.
        scale: s; by default a random one between 0.1 and 10.

    Raises:
        ValueError: there are fewer data features than n.
    """

    def __init__(
        self, decoder: nn.Module, features: int, *, into: int, seed: int, scale: float | None = None
    ) -> None:
        super().__init__()
        if into < features:
            raise ValueError(f"{features} features do not fit into {into}.")
        generator = torch.Generator().manual_seed(seed)
        basis = torch.linalg.qr(torch.randn(into, features, generator=generator)).Q
        drawn = 10 ** (2 * float(torch.rand((), generator=generator)) - 1)
        self.decoder = decoder
        self.matrix: Tensor
        self.shift: Tensor
        self.register_buffer("matrix", (drawn if scale is None else scale) * basis.T)
        self.register_buffer("shift", torch.randn(into, generator=generator))

    @override
    def forward(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b p"]:
        values: Tensor = self.decoder(z)
        return values @ self.matrix.to(values) + self.shift.to(values)
