"""Mixtures of locally adaptive normal distributions."""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from geolatent.geodesics import exponential
from geolatent.metrics import Metric
from geolatent.metrics.raised_index import orthonormal_frame
from geolatent.metrics.require_codes import require_codes, require_metric
from geolatent.statistics.exponential_derivatives import exponential_derivatives
from geolatent.statistics.k_means import k_means
from geolatent.statistics.log_maps import log_maps
from geolatent.statistics.sample import require_clusters, sample_of
from geolatent.statistics.warn_of_failures import warn_of_failures

_NARROWEST = 1e-3  # of the mean variance of a component: what its variances may not fall below
_RESTARTS = 2  # here and of the Gaussian mixture
_SHORTEST_STEP = 1e-2
_COUNTED = 1e-6  # the least share in a component with which a code pulls at its mean


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
        normaliser_error: its standard error, from the draws, `(k,)`.
        log_likelihood: mean of `code_log_prob` over the codes it was fitted to; NaN where a
            geodesic to one of them was not found.
        converged: whether the likelihood is stationary, all geodesics and normalisers were found
            and no component has collapsed on fewer than d + 1 codes.
        iterations: steps, tried ones included.
        flat_log_likelihood: of scikit-learn's Gaussian mixture with as many components and
            restarts, fitted to the codes.
        gain: `log_likelihood` − `flat_log_likelihood`. Both models have as many parameters and
            were fitted to the same codes, in which Vuong's comparison of them takes neither's side.
        gain_error: standard error of the gain, from its spread over the codes. A gain of a few
            errors speaks for the metric; within two, these codes cannot tell.
    """

    metric: Metric
    share: Float[Tensor, "k"]
    means: Float[Tensor, "k d"]
    frames: Float[Tensor, "k d d"]
    covariances: Float[Tensor, "k d d"]
    normaliser: Float[Tensor, "k"]
    normaliser_error: Float[Tensor, "k"]
    log_likelihood: float
    converged: bool
    iterations: int
    flat_log_likelihood: float
    gain: float
    gain_error: float

    def log_prob(self, z: Float[Tensor, "q d"], *, segments: int = 16) -> Float[Tensor, "q"]:
        """Log density per Riemannian volume, `(q,)`.

        Warns:
            RuntimeWarning: a geodesic failed (NaN) or has not converged (a lower bound).
        """
        require_codes(self.metric, z)
        expected = _expected(self, z, segments)
        warn_of_failures("codes' geodesics", expected.converged)
        return expected.log_density.logsumexp(1)

    def code_log_prob(self, z: Float[Tensor, "q d"], *, segments: int = 16) -> Float[Tensor, "q"]:
        """Log density per volume of codes, `(q,)`: log_prob + ½ log det G, as Gaussians have it.

        Warns:
            RuntimeWarning: what `log_prob` warns of.
        """
        require_codes(self.metric, z)
        expected = _expected(self, z, segments)
        warn_of_failures("codes' geodesics", expected.converged)
        return expected.log_density.logsumexp(1) + _log_volume(self.metric, z)

    def __str__(self) -> str:
        many = f"{len(self.means)} component" + ("s" if len(self.means) > 1 else "")
        if not math.isfinite(self.log_likelihood):
            return f"LAND of {many}: the codes have no density, a geodesic to one was not found"
        return (
            f"LAND of {many}: mean log density of the codes {self.log_likelihood:.4g}, "
            f"{self.gain:+.2g} ± {self.gain_error:.1g} (standard error) beside a Gaussian mixture"
            + ("" if self.converged else "; not converged")
        )


class _Expected(NamedTuple):
    """What the components make of the codes."""

    log_density: Float[Tensor, "q k"]  # share included
    velocity: Float[Tensor, "q k d"]
    coefficients: Float[Tensor, "q k d"]
    converged: Bool[Tensor, "q"]


class _Draws(NamedTuple):
    """Tangent vectors drawn from every component."""

    distortion: Float[Tensor, "k s"]
    coefficients: Float[Tensor, "k s d"]
    pull: Float[Tensor, "k s d"]  # H Σ⁻¹ v


class _State(NamedTuple):
    """A mixture and what it makes of the codes and its draws."""

    model: Land
    expected: _Expected
    drawn: _Draws


class _Step(NamedTuple):
    """Where the likelihood increases."""

    size: Float[Tensor, "k"]  # codes of each component
    share: Float[Tensor, "k"]
    shift: Float[Tensor, "k d"]  # of the means, in their frames
    change: Float[Tensor, "k d d"]  # of the second moments
    gain: float  # that a quadratic model of the likelihood predicts


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
    exponential map's own determinant: that is a normaliser only where geodesics are straight.)

    With v = log_μ(z) and H = −∇_μ log_μ(z), the mean of each component is where

    .. math:: \mathbb{E}_\text{codes}[H Σ^{-1} v] = \mathbb{E}_p[H Σ^{-1} v], \qquad
        \mathbb{E}_\text{codes}[v v^\top] = \mathbb{E}_p[v v^\top]

    gives its covariance: the second is the derivative of the likelihood in Σ, the first that in μ.
    (Equal means of v, without H, would be moment matching. As H v = v, the two agree where Σ is
    isotropic, and where space is flat.) Steps are scoring steps, of the mean by the inverse of
    Fisher's information, of the covariance by the difference of the moments; in flat space that is
    expectation maximisation. Means over p are taken by draws, so that the likelihood is stationary
    up to their error.

    Args:
        metric: on codes, differentiable as `exponential` needs it.
        points: codes, `(b, d)`.
        components: k.
        segments: of the geodesics, as in `connect`.
        draws: of v for the means over p, in pairs of opposite ones; the same in every step.
        seed: of the draws, and of the clusters that it starts from.
        tolerance: predicted increase of the mean log density that counts as none.
        max_iterations: steps.

    Returns:
        The mixture, and how the Gaussian mixture compares.

    Raises:
        ValueError: codes are not finite or do not fit the metric, there are fewer than d + 1
            different ones for each component, or an option is out of range.
        TypeError: the metric is none, or the codes are no tensor.

    References:
        Arvanitidis, G., Hansen, L. K., Hauberg, S. (2016). A locally adaptive normal distribution.
        arXiv 1606.02518.

        Vuong, Q. H. (1989). Likelihood ratio tests for model selection and non-nested hypotheses.
        Econometrica 57.
    """
    require_metric(metric)
    points = sample_of(points).points
    count, dim = points.shape
    require_codes(metric, points, name="points")
    require_clusters(components, count)
    distinct = len(points.unique(dim=0))
    if distinct < components * (dim + 1):
        raise ValueError(
            f"{components} covariances of {dim} dimensions take {components * (dim + 1)} different "
            f"codes at least, got {distinct}."
        )
    if draws < 4 or max_iterations < 1 or not tolerance > 0:
        raise ValueError(
            "draws must be at least 4, max_iterations at least 1 and tolerance positive, got "
            f"{draws}, {max_iterations} and {tolerance}."
        )
    generator = torch.Generator().manual_seed(seed)
    half = torch.randn(draws // 2, dim, generator=generator, dtype=torch.float64).to(points)
    # With the covariance of what they are drawn from, so that flat space has exact moments.
    root, failed = torch.linalg.cholesky_ex(half.mT @ half / len(half))
    if not failed:
        half = torch.linalg.solve_triangular(root, half.mT, upper=False).mT
    standard = torch.cat([half, -half])
    volume = _log_volume(metric, points)

    model = _start(metric, points, components, segments, seed)
    state = _measured(model, points, volume, standard, segments)
    step = _step(state)
    settled, iteration, scale = step.gain <= tolerance, 1, 1.0
    while not settled and math.isfinite(step.gain) and iteration < max_iterations:
        iteration += 1
        trial = _measured(_moved(state.model, step, scale), points, volume, standard, segments)
        # What is lost within the error of the normalisers may be none.
        errors = state.model.normaliser_error / state.model.normaliser
        blur = float((state.model.share * errors).sum())
        if trial.model.log_likelihood >= state.model.log_likelihood - blur - tolerance:
            state, scale = trial, 1.0
            step = _step(state)
            settled = step.gain <= tolerance
        else:
            scale /= 2
            if scale < _SHORTEST_STEP:
                break
    found = bool(state.expected.converged.all()) and bool((step.size >= dim + 1).all())
    each = state.expected.log_density.logsumexp(1) + volume
    flat = _flat_log_density(points, components, seed)
    gains = each.double() - flat
    return replace(
        state.model,
        log_likelihood=float(each.mean()),
        converged=settled and found,
        iterations=iteration,
        flat_log_likelihood=float(flat.mean()),
        gain=float(gains.mean()),
        gain_error=float(gains.std() / count**0.5),
    )


def _log_volume(metric: Metric, z: Tensor) -> Float[Tensor, "q"]:
    return torch.linalg.slogdet(metric.matrix(z)).logabsdet / 2


def _start(metric: Metric, points: Tensor, components: int, segments: int, seed: int) -> Land:
    """The clusters of k-means, all with their mean variance."""
    clusters = k_means(metric, points, components, restarts=_RESTARTS, seed=seed, segments=segments)
    share = torch.bincount(clusters.labels, minlength=components).to(points) / len(points)
    identity = torch.eye(points.shape[1], dtype=points.dtype, device=points.device)
    spread = max(clusters.variance, torch.finfo(points.dtype).tiny) / points.shape[1]
    unknown = math.nan
    return Land(
        metric=metric,
        share=share,
        means=clusters.centres,
        frames=orthonormal_frame(metric.matrix(clusters.centres)),
        covariances=(spread * identity).repeat(components, 1, 1),
        normaliser=torch.full_like(share, unknown),
        normaliser_error=torch.full_like(share, unknown),
        log_likelihood=unknown,
        converged=False,
        iterations=0,
        flat_log_likelihood=unknown,
        gain=unknown,
        gain_error=unknown,
    )


def _measured(
    model: Land, points: Tensor, volume: Tensor, standard: Tensor, segments: int
) -> _State:
    """A mixture with its normalisers and its likelihood."""
    drawn = _drawn(model, standard)
    pairs = drawn.distortion.unflatten(1, (2, -1)).mean(1)
    model = replace(
        model, normaliser=pairs.mean(1), normaliser_error=pairs.std(1) / pairs.shape[1] ** 0.5
    )
    expected = _expected(model, points, segments)
    likelihood = float((expected.log_density.logsumexp(1) + volume).mean())
    return _State(replace(model, log_likelihood=likelihood), expected, drawn)


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
    converged = logs.converged.view(count, components).all(1)
    return _Expected(log_density, velocity, coefficients, converged)


def _drawn(model: Land, standard: Tensor) -> _Draws:
    root, _ = torch.linalg.cholesky_ex(model.covariances)
    coefficients = torch.einsum("kij,sj->ksi", root, standard)
    vectors = torch.einsum("kij,ksj->ksi", model.frames, coefficients)
    base = model.means[:, None].expand_as(vectors).contiguous()
    found = exponential_derivatives(
        model.metric, base.flatten(0, 1), vectors.flatten(0, 1), of_log=True
    )
    assert found.of_log is not None
    bend = found.of_log.view(*vectors.shape, -1)
    towards = torch.cholesky_solve(coefficients.mT, root).mT
    pull = torch.einsum("ksji,ksj->ksi", bend, towards)
    return _Draws(found.distortion.view(vectors.shape[:2]), coefficients, pull)


def _step(state: _State) -> _Step:
    """Towards equal means of pulls and second moments, over the codes and over the components."""
    model, expected, drawn = state
    weight = (expected.log_density - expected.log_density.logsumexp(1, keepdim=True)).exp()
    size = weight.sum(0)
    share = (weight / size.clamp_min(torch.finfo(weight.dtype).tiny)).T  # (k, b)
    of_draws = drawn.distortion / drawn.distortion.sum(1, keepdim=True)
    average = torch.einsum("ks,ksi->ki", of_draws, drawn.pull)
    centred = drawn.pull - average[:, None]
    information = torch.einsum("ks,ksi,ksj->kij", of_draws, centred, centred)
    score = torch.einsum("kb,kbi->ki", share, _pulls(model, expected, share)) - average
    root, failed = torch.linalg.cholesky_ex(information)
    # Too few draws for the dimensions: as in flat space, where the inverse is the covariance.
    plain = (model.covariances @ score.unsqueeze(-1)).squeeze(-1)
    scored = torch.cholesky_solve(score.unsqueeze(-1), root).squeeze(-1)
    shift = torch.where(failed[:, None] > 0, plain, scored)
    of_codes = _second_moments(expected.coefficients.movedim(1, 0), share)
    change = of_codes - _second_moments(drawn.coefficients, of_draws)
    new_share = size / size.sum()
    step = _Step(size, new_share, shift, change, math.nan)
    change = _covariances(model, step, 1.0) - model.covariances
    relative = torch.linalg.solve_ex(model.covariances, change).result
    gains = (score * shift).sum(1) / 2 + torch.einsum("kij,kji->k", relative, relative) / 4
    relabelled = torch.where(new_share > 0, (new_share / model.share).log(), 0)
    return step._replace(gain=float((new_share * (gains + relabelled)).sum()))


def _pulls(model: Land, expected: _Expected, share: Tensor) -> Float[Tensor, "k b d"]:
    """H Σ⁻¹ v of the codes that count in each component."""
    component, code = (share > _COUNTED).nonzero(as_tuple=True)
    found = exponential_derivatives(
        model.metric, model.means[component], expected.velocity[code, component], of_log=True
    )
    assert found.of_log is not None
    root, _ = torch.linalg.cholesky_ex(model.covariances)
    towards = torch.cholesky_solve(
        expected.coefficients[code, component].unsqueeze(-1), root[component]
    )
    pulls = expected.coefficients.movedim(1, 0).new_zeros(*share.shape, model.means.shape[1])
    pulls[component, code] = (found.of_log.mT @ towards).squeeze(-1)
    return pulls


def _moved(model: Land, step: _Step, scale: float) -> Land:
    velocity = scale * (model.frames @ step.shift.unsqueeze(-1)).squeeze(-1)
    moved = exponential(model.metric, model.means, velocity).end
    means = torch.where(moved.isfinite().all(1, keepdim=True), moved, model.means)
    return replace(
        model,
        share=torch.lerp(model.share, step.share, scale),
        means=means,
        frames=orthonormal_frame(model.metric.matrix(means)),
        covariances=_covariances(model, step, scale),
    )


def _covariances(model: Land, step: _Step, scale: float) -> Float[Tensor, "k d d"]:
    """Second moments around the means where they move to, kept positive."""
    shift = scale * step.shift
    matrix = model.covariances + scale * step.change - shift[:, :, None] * shift[:, None]
    values, vectors = torch.linalg.eigh((matrix + matrix.mT) / 2)
    floor = _NARROWEST * values.abs().mean(-1, keepdim=True)
    return vectors @ torch.diag_embed(torch.maximum(values, floor)) @ vectors.mT


def _second_moments(
    coefficients: Float[Tensor, "k s d"], weight: Float[Tensor, "k s"]
) -> Float[Tensor, "k d d"]:
    return torch.einsum("ks,ksi,ksj->kij", weight, coefficients, coefficients)


def _flat_log_density(points: Tensor, components: int, seed: int) -> Float[Tensor, "b"]:
    from sklearn.mixture import GaussianMixture  # slow to import

    codes = points.double().cpu().numpy()
    mixture = GaussianMixture(components, n_init=_RESTARTS, random_state=seed, max_iter=500)
    return torch.from_numpy(mixture.fit(codes).score_samples(codes)).to(points.device)
