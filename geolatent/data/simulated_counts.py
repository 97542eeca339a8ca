"""Simulated counts of cells."""

import torch
from torch.distributions import Gamma, LogNormal

from geolatent.data.data_set import DataSet
from geolatent.data.data_split import DataSplit, split_by_indices

_LEVELS = (1.0, 0.0, -1.0)  # of log μ, by cell type


def simulated_counts(*, cells: int = 1000, genes: int = 10, seed: int = 42) -> DataSplit:
    r"""Negative-binomial counts of three types of cells, a factor of e apart in every gene.

    .. math:: θ_g \sim Γ(2, 1), \qquad \log μ_{cg} \sim N(m_{k(c)}, 1), \quad m = (1, 0, -1),
        \qquad x_{cg} \sim Γ(θ_g, θ_g / μ_{cg}) \text{-mixed Poisson}

    Beside its type a cell has no structure: every gene of every cell has a mean of its own. The
    draws are made in the order of the published notebook, so that the defaults are its very data.

    Args:
        cells: n, all of them in the training part.
        genes: p.
        seed: of the draws.

    Returns:
        n items of p counts, float32; the class is the type, whose level it names.

    Raises:
        ValueError: there is no cell or no gene.

    References:
        Palma, A. et al. (2025). Enforcing latent Euclidean geometry in single-cell VAEs for
        manifold interpolation. arXiv 2507.11789.
    """
    for name, value in (("cells", cells), ("genes", genes)):
        if value < 1:
            raise ValueError(f"{name}={value} must be at least 1.")
    counts = torch.empty(cells, genes)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        dispersion = Gamma(2.0, 1.0).sample((genes,))
        LogNormal(0.0, 0.1).sample((cells,))  # size factors that the publication draws, unused
        types = torch.randint(len(_LEVELS), (cells,))
        for cell, level in enumerate(torch.tensor(_LEVELS)[types]):
            mean = torch.normal(level.expand(genes), torch.ones(genes)).exp()
            counts[cell] = torch.poisson(Gamma(dispersion, dispersion / mean).sample())
    data_set = DataSet(
        name="simulated counts",
        data=counts,
        labels=types,
        label_names=tuple(f"log mean {level:+g}" for level in _LEVELS),
        source=f"Computed: negative-binomial counts drawn with seed {seed}.",
        licence="none needed",
    )
    return split_by_indices(data_set, train=range(cells))
