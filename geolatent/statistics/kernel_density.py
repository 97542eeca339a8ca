"""Kernel density estimates in geodesic distance."""

import math
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from geolatent.geodesics import DistanceBlocks, distance_matrix
from geolatent.metrics import Metric
from geolatent.metrics.raised_index import orthonormal_frame
from geolatent.metrics.require_codes import require_codes, require_metric
from geolatent.statistics.sample import Sample, sample_of
from geolatent.statistics.volume_distortion import volume_distortion
from geolatent.statistics.warn_of_failures import warn_of_failures


@final
@dataclass(frozen=True)
class KernelDensity:
    """A density on the codes, of which b gave the kernels.

    Attributes:
        metric: in which distances and volumes are.
        sample: the codes and their weights.
        bandwidth: h, in the metric's units.
        normaliser: integral of each kernel over the manifold, over that in flat space, `(b,)`.
        normaliser_error: its standard error, from the draws, `(b,)`.
        converged: whether each kernel could be normalised and its geodesics were found, `(b,)`.
        density: at the codes themselves, their own kernels left out, `(b,)`.
        flat_density: the same of a Euclidean estimate with a bandwidth by the same rule, per volume
            of codes, `(b,)`.
        rank_correlation: of the two at the codes, both per volume of codes (Spearman's): 1: they
            order the codes alike, dense or sparse.
    """

    metric: Metric
    sample: Sample
    bandwidth: float
    normaliser: Float[Tensor, "b"]
    normaliser_error: Float[Tensor, "b"]
    converged: Bool[Tensor, "b"]
    density: Float[Tensor, "b"]
    flat_density: Float[Tensor, "b"]
    rank_correlation: float

    def __call__(self, z: Float[Tensor, "q d"], *, segments: int = 16) -> Float[Tensor, "q"]:
        """Density per Riemannian volume, `(q,)`; times √det G it is that per volume of codes.

        Warns:
            RuntimeWarning: geodesics to some kernels failed (NaN) or have not converged (a lower
                bound).
        """
        require_codes(self.metric, z)
        blocks = DistanceBlocks(self.metric, z, self.sample.points, segments=segments)
        table = z.new_empty(len(z), len(self.sample.points))
        converged = torch.zeros_like(table, dtype=torch.bool)
        for block in range(len(blocks)):
            row, column = blocks.pairs_of(block).T
            path = blocks.solve(block)
            table[row, column], converged[row, column] = path.length, path.converged
        warn_of_failures("geodesics to the kernels", converged)
        return _mixture(table, self.sample.weight, self.bandwidth, self._constant())

    def __str__(self) -> str:
        failed = int((~self.converged).sum())
        return (
            f"density of {len(self.normaliser)} kernels of bandwidth {self.bandwidth:.4g}: rank "
            f"correlation with the Euclidean one {self.rank_correlation:.3f}"
            + (f"; {failed} kernels not converged" if failed else "")
        )

    def _constant(self) -> Tensor:
        return self.normaliser * (2 * math.pi * self.bandwidth**2) ** (
            self.sample.points.shape[1] / 2
        )


@torch.no_grad()
def kernel_density(
    metric: Metric,
    points: Float[Tensor, "b d"],
    *,
    bandwidth: float | None = None,
    weights: Float[Tensor, "b"] | None = None,
    segments: int = 16,
    draws: int = 64,
    seed: int = 0,
) -> KernelDensity:
    r"""Gaussian kernels of geodesic distance, each normalised by the volume it covers.

    .. math:: p(z) = \sum_i \frac{w_i}{c_i} e^{-d(z, x_i)^2 / 2h^2}, \qquad
        c_i = (2πh^2)^{d/2}\; \mathbb{E}_{v \sim N(0, h^2 G(x_i)^{-1})}\, θ_{x_i}(v)

    with θ the volume distortion of the exponential map: p integrates to one over the manifold up to
    what lies beyond the cut locus of a code, at some multiple of h. The density is one with respect
    to the Riemannian volume.

    Args:
        metric: on codes, differentiable as `exponential` needs it.
        points: codes, `(b, d)`.
        bandwidth: h; Scott's rule, σ n^{-1/(d+4)} with σ² half the mean squared distance of pairs
            over d and n the number of codes that the weights are worth, if not given.
        weights: `(b,)`, not negative; equal if not given.
        segments: of the geodesics, as in `connect`.
        draws: of v, in pairs of opposite ones, for every code.
        seed: of the draws.

    Returns:
        The density, callable, and how the Euclidean one compares.

    Raises:
        ValueError: codes or weights are bad, fewer than two codes, or an option is out of range.
        TypeError: the metric is none, or codes or weights are no tensors.

    References:
        Pelletier, B. (2005). Kernel density estimation on Riemannian manifolds. Stat. Probab. Lett.
        73. There each kernel is divided by θ at the point; here by the mean of θ over the kernel.
    """
    require_metric(metric)
    sample = sample_of(points, weights)
    points = sample.points
    require_codes(metric, points, name="points")
    count, dim = points.shape
    if count < 2 or draws < 4 or not (bandwidth is None or bandwidth > 0):
        raise ValueError(
            "it takes two codes, four draws and a positive bandwidth at least, got "
            f"{count}, {draws} and {bandwidth}."
        )
    table = distance_matrix(metric, points, progress=False, segments=segments)
    if bandwidth is None:
        bandwidth = scott(table.values, dim, sample.weight)
    frame = orthonormal_frame(metric.matrix(points))
    generator = torch.Generator().manual_seed(seed)
    half = torch.randn(draws // 2, dim, generator=generator, dtype=torch.float64).to(points)
    standard = bandwidth * torch.cat([half, -half])
    vectors = torch.einsum("bij,sj->bsi", frame, standard)
    base = points[:, None].expand_as(vectors).contiguous()
    theta = volume_distortion(metric, base.flatten(0, 1), vectors.flatten(0, 1))
    theta = theta.view(count, -1)
    pairs = (theta[:, : len(half)] + theta[:, len(half) :]) / 2
    normaliser = pairs.mean(1)
    flat_table = torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist")
    own = ~torch.eye(count, dtype=torch.bool, device=points.device)
    scale = (2 * math.pi * bandwidth**2) ** (dim / 2)
    density = _mixture(table.values, sample.weight, bandwidth, scale * normaliser, own)
    flat_bandwidth = scott(flat_table, dim, sample.weight)
    flat_scale = torch.full_like(normaliser, (2 * math.pi * flat_bandwidth**2) ** (dim / 2))
    flat_density = _mixture(flat_table, sample.weight, flat_bandwidth, flat_scale, own)
    volume = (torch.linalg.slogdet(metric.matrix(points)).logabsdet / 2).exp()
    return KernelDensity(
        metric=metric,
        sample=sample,
        bandwidth=bandwidth,
        normaliser=normaliser,
        normaliser_error=pairs.std(1) / len(half) ** 0.5,
        converged=normaliser.isfinite() & table.converged.all(1),
        density=density,
        flat_density=flat_density,
        rank_correlation=_rank_correlation(density * volume, flat_density),
    )


def scott(table: Float[Tensor, "b b"], dim: int, weight: Float[Tensor, "b"]) -> float:
    """σ n^{-1/(d+4)}, σ² half the mean squared distance of different codes over d.

    Pairs count by the product of their weights, and codes as many as they are worth, 1 / Σ w².
    Distances that are not known are left out.
    """
    pairs = weight[:, None] * weight
    pairs = torch.where(table.isfinite(), pairs.fill_diagonal_(0), 0)
    squares = (pairs * table.nan_to_num(nan=0.0, posinf=0.0).square()).sum() / pairs.sum()
    if not squares > 0:
        raise ValueError(
            "all codes that count are the same: there is no scale for a bandwidth; give one."
        )
    worth = float(weight.sum().square() / weight.square().sum())
    return float((squares / (2 * dim)).sqrt()) * worth ** (-1 / (dim + 4))


def _mixture(
    table: Tensor,
    weight: Tensor,
    bandwidth: float,
    constant: Tensor,
    counted: Tensor | None = None,
) -> Tensor:
    kernel = (-table.square() / (2 * bandwidth**2)).exp() / constant
    shares = weight.expand_as(kernel)
    if counted is not None:
        shares = shares * counted
        shares = shares / shares.sum(1, keepdim=True)
    return torch.where(shares > 0, shares * kernel, 0).sum(1)


def _rank_correlation(one: Tensor, other: Tensor) -> float:
    from scipy.stats import spearmanr

    good = one.isfinite() & other.isfinite()
    if int(good.sum()) < 3:
        return math.nan
    return float(spearmanr(one[good].cpu().numpy(), other[good].cpu().numpy()).statistic)
