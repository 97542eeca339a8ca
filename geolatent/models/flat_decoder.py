"""Decoders that induce a flat metric."""

import math
from dataclasses import dataclass
from typing import final

from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from geolatent.models.regulariser import (
    Probe,
    Regulariser,
    check_options,
    mixed_up,
    probe,
)
from geolatent.models.vae import VAE


@final
@dataclass(frozen=True, kw_only=True)
class FlatDecoder(Regulariser):
    r"""The distance of the induced metric from a scaled identity.

    .. math:: w\, E\bigl[\|G(z) - c^2 I\|_F^2\bigr], \qquad c^2 = E[\mathrm{tr}\, G(z)] / d

    It is `IsometricDecoder` times d c⁴: it also wants G small, and w depends on its scale (in
    standard deviations of the noise, for a Gaussian likelihood). With a `scale` it wants G of that
    size: the identity itself for 1. Expectations are over the batch, mixed up, and one random
    direction each.

    Args:
        weight: w, at least 0.
        reach: how far beyond the codes mixing up goes, in distances between them, at least 0; None
            takes the codes as they are.
        scale: c², positive; None for the mean of the batch.

    Raises:
        ValueError: a number is out of range.

    References:
        Chen, N. et al. (2020). Learning flat latent manifolds with VAEs. arXiv 2002.04881. With
        the identity, for counts: Palma, A. et al. (2025). Enforcing latent Euclidean geometry in
        single-cell VAEs for manifold interpolation. arXiv 2507.11789.
    """

    weight: float = 1.0
    reach: float | None = 0.2
    scale: float | None = None

    def __post_init__(self) -> None:
        """Check every field."""
        check_options(weight=self.weight, reach=0.0 if self.reach is None else self.reach)
        if self.scale is not None and not (math.isfinite(self.scale) and self.scale > 0):
            raise ValueError(f"scale={self.scale!r} must be a positive, finite number, or None.")

    @override
    def penalty(self, model: VAE, z: Float[Tensor, "b d"]) -> Float[Tensor, ""]:
        codes = z if self.reach is None else mixed_up(z, self.reach)
        return self.weight * square_distance(probe(model, codes), scale=self.scale)


def square_distance(found: Probe, *, scale: float | None) -> Float[Tensor, ""]:
    """The mean of ‖G − c² I‖²_F over the codes of a probe; without a scale, c² is their mean."""
    square = found.stretch.mean() / found.direction.shape[-1] if scale is None else scale
    return (found.image - square * found.direction).square().sum(-1).mean()
