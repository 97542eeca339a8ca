"""What every solver is given: a decoder and pairs of codes to join."""

import hashlib
from dataclasses import dataclass, field
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn


@final
@dataclass(frozen=True)
class Case:
    """One decoder, pairs of its codes, and what is known about the geodesics between them.

    Attributes:
        name: as given on the command line.
        kind: `surface`, `mlp` or `convolutional`: which solvers and settings are sensible.
        decoder: `(*b, d) -> (*b, p)`, in evaluation mode, single precision.
        start: codes, `(b, d)`.
        end: codes, `(b, d)`.
        codes: encoded data, for starts through the graph of them; `(0, d)` where there are none.
        exact_lengths: geodesic distances where they are known, float64, `(b,)`.
        chords: of each curve, in its evaluation; even.
    """

    name: str
    kind: str
    decoder: nn.Module
    start: Float[Tensor, "b d"]
    end: Float[Tensor, "b d"]
    codes: Float[Tensor, "n d"] = field(default_factory=lambda: torch.empty(0, 0))
    exact_lengths: Float[np.ndarray, "b"] | None = None
    chords: int = 512

    def __len__(self) -> int:
        return self.start.shape[0]

    @property
    def dim(self) -> int:
        """Number of coordinates of a code."""
        return self.start.shape[1]

    @property
    def fingerprint(self) -> str:
        """Changes when the decoder, the pairs or their evaluation do."""
        digest = hashlib.sha256(f"{self.name} {self.chords}".encode())
        for tensor in (self.start, self.end, *self.decoder.state_dict().values()):
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]
