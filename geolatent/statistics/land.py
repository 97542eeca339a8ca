"""Mixtures of locally adaptive normal distributions."""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple, final

import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.geodesics import exponential
from geolatent.metrics import Metric
from geolatent.metrics.raised_index import orthonormal_frame
from geolatent.metrics.require_codes import require_metric
from geolatent.statistics.k_means import k_means
from geolatent.statistics.log_maps import log_maps
from geolatent.statistics.sample import require_clusters, sample_of
from geolatent.statistics.volume_distortion import volume_distortion

_NARROWEST = 1e-3  # of the mean variance of a component: what its variances may not fall below


@final
@dataclass(frozen=True)
class Land:
    """k normal distributions of log maps, as a density on the codes.

    Attributes:
        metric: in which distances and volumes are.
        share: of the components, `(k,)`.
        means: `(k, d)`.
        frames: orthonormal bases at the means, in columns, `(k, d, d)`.
        covariances: of the tangent vectors' coefficients in them, `(k, d, d)`.
        normaliser: integral of each component over the manifold over that in flat space, `(k,)`.
        log_likelihood: mean log density of the codes, per volume of codes.
        converged: whether it stopped increasing, and all geodesics and normalisers were found.
        iterations: of expectation and maximisation.
        flat_log_likelihood: of scikit-learn's Gaussian mixture with as many components, fitted to
            the codes; where it is as large, the metric has nothing to add.
    """

    metric: Metric
    share: Float[Tensor, "k"]
    means: Float[Tensor, "k d"]
    frames: Float[Tensor, "k d d"]
    covariances: Float[Tensor, "k d d"]
    normaliser: Float[Tensor, "k"]
    log_likelihood: float
    converged: bool
    iterations: int
    flat_log_likelihood: float

    def log_prob(self, z: Float[Tensor, "q d"], *, segments: int = 16) -> Float[Tensor, "q"]:
        """Log density per Riemannian volume; plus ½ log det G it is that per volume of codes."""
        return _expected(self, z, segments).log_density.logsumexp(1)


class _Expected(NamedTuple):
    """What the components make of the codes."""

    log_density: Float[Tensor, "q k"]  # share included
    coefficients: Float[Tensor, "q k d"]
    converged: bool


@torch.no_grad()
def land(
    metric: Metric,
    points: Float[Tensor, "b d"],
    components: int = 1,
    *,
    segments: int = 16,
    draws: int = 128,
    seed: int = 0,
    tolerance: float = 1e-4,
    max_iterations: int = 50,
) -> Land:
    r"""Maximum likelihood of a mixture of locally adaptive normals.

    .. math:: p(z) = \sum_k \frac{π_k}{C_k} \exp\big(-\tfrac12 \log_{μ_k}(z)^\top Σ_k^{-1}
        \log_{μ_k}(z)\big), \qquad C_k = \sqrt{\det 2πΣ_k}\; \mathbb{E}_{v \sim N(0, Σ_k)}\,
        θ_{μ_k}(v)

    a density with respect to the Riemannian volume; θ is the volume distortion of the exponential
    map. (The paper integrates with √det G at the end of the geodesic in place of θ, without the
    exponential map's own determinant: that is a normaliser only where geodesics are straight.) In
    the maximum the moments of the codes' log maps are those of the component; every step moves mean
    and covariance by the differences of the two, which in flat space is expectation maximisation.

    Args:
        metric: on codes, differentiable as `exponential` needs it.
        points: codes, `(b, d)`.
        components: k.
        segments: of the geodesics, as in `connect`.
        draws: of v for a normaliser, in pairs of opposite ones; the same in every step.
        seed: of the draws, and of the clusters that it starts from.
        tolerance: increase of the mean log density that counts as none.
        max_iterations: steps.

    Returns:
        The mixture, and how the Gaussian mixture compares.

    Raises:
        ValueError: codes are not finite or fewer than components, or an option is out of range.
        TypeError: the metric is none.

    References:
        Arvanitidis, G., Hansen, L. K., Hauberg, S. (2016). A locally adaptive normal distribution.
        arXiv 1606.02518.
    """
    require_metric(metric)
    points = sample_of(points).points
    count, dim = points.shape
    require_clusters(components, count)
    if draws < 2 or max_iterations < 1 or not tolerance > 0:
        raise ValueError(
            "draws must be at least 2, max_iterations at least 1 and tolerance positive, got "
            f"{draws}, {max_iterations} and {tolerance}."
        )
    generator = torch.Generator().manual_seed(seed)
    half = torch.randn(draws // 2, dim, generator=generator, dtype=torch.float64).to(points)
    # With the covariance of what they are drawn from, so that flat space has exact moments.
    root, failed = torch.linalg.cholesky_ex(half.mT @ half / len(half))
    if not failed:
        half = torch.linalg.solve_triangular(root, half.mT, upper=False).mT
    standard = torch.cat([half, -half])
    volume = torch.linalg.slogdet(metric.matrix(points)).logabsdet / 2

    model = _start(metric, points, components, standard, segments, seed)
    old, best, settled, found = -math.inf, model, False, True
    for iteration in range(1, max_iterations + 1):
        expected = _expected(model, points, segments)
        total = expected.log_density.logsumexp(1)
        likelihood = float((total + volume).mean())
        model = replace(model, log_likelihood=likelihood, iterations=iteration)
        found = expected.converged and bool(model.normaliser.isfinite().all())
        if not math.isfinite(likelihood):
            break
        if likelihood > best.log_likelihood:
            best = model
        settled = abs(likelihood - old) <= tolerance
        if settled or iteration == max_iterations:
            break
        old = likelihood
        model = _maximised(model, expected, total, standard)
    return replace(
        best,
        converged=settled and found,
        flat_log_likelihood=_flat_log_likelihood(points, components, seed),
    )


def _start(
    metric: Metric, points: Tensor, components: int, standard: Tensor, segments: int, seed: int
) -> Land:
    """The clusters of k-means, each with its own covariance."""
    clusters = k_means(metric, points, components, restarts=2, seed=seed, segments=segments)
    share = torch.bincount(clusters.labels, minlength=components).to(points) / len(points)
    frames = orthonormal_frame(metric.matrix(clusters.centres))
    identity = torch.eye(points.shape[1], dtype=points.dtype, device=points.device)
    spread = max(clusters.variance, torch.finfo(points.dtype).tiny) / points.shape[1]
    covariances = (spread * identity).repeat(components, 1, 1)
    model = Land(
        metric=metric,
        share=share,
        means=clusters.centres,
        frames=frames,
        covariances=covariances,
        normaliser=torch.ones_like(share),
        log_likelihood=-math.inf,
        converged=False,
        iterations=0,
        flat_log_likelihood=math.nan,
    )
    return replace(model, normaliser=_distortions(model, standard)[0].mean(1))


def _expected(model: Land, z: Tensor, segments: int) -> _Expected:
    count, components = len(z), len(model.means)
    base = model.means.repeat(count, 1)
    logs = log_maps(model.metric, base, z.repeat_interleave(components, 0), segments=segments)
    velocity = logs.velocity.view(count, components, -1)
    coefficients = torch.linalg.solve_triangular(
        model.frames, velocity.unsqueeze(-1), upper=True
    ).squeeze(-1)
    root, _ = torch.linalg.cholesky_ex(model.covariances)
    scaled = torch.linalg.solve_triangular(root, coefficients.unsqueeze(-1), upper=False)
    log_constant = (
        model.normaliser.log()
        + root.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        + model.means.shape[1] / 2 * math.log(2 * math.pi)
    )
    log_density = model.share.log() - log_constant - scaled.squeeze(-1).square().sum(-1) / 2
    return _Expected(log_density, coefficients, bool(logs.converged.all()))


def _maximised(model: Land, expected: _Expected, total: Tensor, standard: Tensor) -> Land:
    """One step towards equal moments of codes and components."""
    weight = (expected.log_density - total[:, None]).exp()  # (b, k)
    size = weight.sum(0).clamp_min(torch.finfo(weight.dtype).tiny)
    mean, covariance = _moments(expected.coefficients.movedim(1, 0), (weight / size).T)
    theta, coefficients = _distortions(model, standard)
    of_model = _moments(coefficients, theta / theta.sum(1, keepdim=True))
    shift = (mean - of_model[0]).unsqueeze(-1)
    velocity = (model.frames @ shift).squeeze(-1).nan_to_num(nan=0.0)
    moved = exponential(model.metric, model.means, velocity).end
    means = torch.where(moved.isfinite().all(1, keepdim=True), moved, model.means)
    changed = model.covariances + covariance - of_model[1]
    next_model = replace(
        model,
        share=weight.mean(0),
        means=means,
        frames=orthonormal_frame(model.metric.matrix(means)),
        covariances=_positive(changed),
    )
    return replace(next_model, normaliser=_distortions(next_model, standard)[0].mean(1))


def _distortions(model: Land, standard: Tensor) -> tuple[Float[Tensor, "k s"], Tensor]:
    """θ at draws of every component, and the draws' coefficients."""
    root, _ = torch.linalg.cholesky_ex(model.covariances)
    coefficients = torch.einsum("kij,sj->ksi", root, standard)
    vectors = torch.einsum("kij,ksj->ksi", model.frames, coefficients)
    base = model.means[:, None].expand_as(vectors).contiguous()
    theta = volume_distortion(model.metric, base.flatten(0, 1), vectors.flatten(0, 1))
    return theta.view(vectors.shape[:2]), coefficients


def _moments(
    coefficients: Float[Tensor, "k s d"], weight: Float[Tensor, "k s"]
) -> tuple[Float[Tensor, "k d"], Float[Tensor, "k d d"]]:
    mean = torch.einsum("ks,ksi->ki", weight, coefficients)
    centred = coefficients - mean[:, None]
    return mean, torch.einsum("ks,ksi,ksj->kij", weight, centred, centred)


def _positive(matrix: Float[Tensor, "k d d"]) -> Float[Tensor, "k d d"]:
    values, vectors = torch.linalg.eigh((matrix + matrix.mT) / 2)
    floor = _NARROWEST * values.abs().mean(-1, keepdim=True)
    return vectors @ torch.diag_embed(torch.maximum(values, floor)) @ vectors.mT


def _flat_log_likelihood(points: Tensor, components: int, seed: int) -> float:
    from sklearn.mixture import GaussianMixture  # slow to import

    codes = points.double().cpu().numpy()
    try:
        fitted = GaussianMixture(components, random_state=seed, max_iter=500).fit(codes)
    except ValueError:  # too few codes for a covariance
        return math.nan
    return float(fitted.score(codes))
