"""Decoders of scvi-tools."""

from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from typing_extensions import override


@final
class ScviDecoder(nn.Module):
    r"""What an `scvi.model.SCVI` says of a cell of given depth and batch, in Fisher-Rao lengths.

    .. math:: φ_g(z) = 2 \sqrt{θ_g}\, \mathrm{arsinh} \sqrt{μ_g(z) / θ_g}, \qquad
        μ(z) = ℓ\, ρ(z, s)

    and 2 √μ for a Poisson likelihood. Depth ℓ and batch s are no part of a code: both are held
    fixed, so that lengths are those between cells that differ in nothing else, and they grow
    with ℓ.

    Args:
        module: `model.module` of a trained model, in evaluation mode.
        depth: ℓ, the counts of a cell, more than 0; the median of the data is a good choice.
        batch: s, the number of a batch.

    Raises:
        ValueError: the likelihood has no such coordinate (`gene_likelihood="zinb"` or
            `"normal"`), the dispersion varies with the code (`dispersion="gene-cell"`), or the
            depth is not positive.

    References:
        Lopez, R. et al. (2018). Deep generative modeling for single-cell transcriptomics. Nature
        Methods 15. arXiv 1709.02082.
    """

    def __init__(self, module: Any, *, depth: float, batch: int = 0) -> None:
        super().__init__()
        if module.gene_likelihood not in ("nb", "poisson"):
            raise ValueError(
                f"gene_likelihood={module.gene_likelihood!r} has no variance-stabilising "
                "coordinate; train the model with gene_likelihood='nb' or 'poisson'."
            )
        if module.gene_likelihood == "nb" and module.dispersion == "gene-cell":
            raise ValueError(
                "dispersion='gene-cell' varies with the code; train with dispersion='gene'."
            )
        if not depth > 0:
            raise ValueError(f"depth must be a positive number of counts, got {depth!r}.")
        self.module = module
        self.depth = float(depth)
        self.batch = batch

    @override
    def forward(self, z: Float[Tensor, "b d"]) -> Float[Tensor, "b p"]:
        column = z.new_ones(len(z), 1)
        counts = self.module.generative(
            z=z,
            library=column * torch.tensor(self.depth, dtype=z.dtype).log(),
            batch_index=(column * self.batch).long(),
        )["px"]
        if self.module.gene_likelihood == "poisson":
            return 2 * counts.rate.sqrt()
        root: Tensor = counts.theta.sqrt()
        return 2 * root * torch.asinh(counts.mu.sqrt() / root)
