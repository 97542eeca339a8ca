"""The directions in which codes spread most."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from geolatent.geodesics import connect, exponential
from geolatent.metrics import Metric
from geolatent.metrics.raised_index import orthonormal_frame
from geolatent.metrics.require_codes import require_codes, require_floating, require_metric
from geolatent.statistics.frechet_mean import FrechetMean, frechet_mean
from geolatent.statistics.log_maps import log_maps
from geolatent.statistics.sample import require_spread, sample_of


@final
@dataclass(frozen=True)
class PrincipalGeodesics:
    """c geodesics through the mean of b codes.

    Attributes:
        metric: in which they are geodesic.
        mean: Fréchet mean, with its own comparison with the arithmetic one.
        directions: tangent vectors at the mean of unit length and orthogonal, `(c, d)`.
        variance: of the log maps along them, `(c,)`.
        share: of the variance that each explains, `(c,)`.
        coordinates: of the codes, `(b, c)`.
        converged: whether mean and all log maps did.
        captured_by_flat: variance that the first c principal directions of the codes, taken at the
            same mean, explain over what these explain; 1: flat directions are fine.
        distortion: of random pairs of different codes, distance of their log maps over geodesic
            distance, minus 1, `(s,)`: what any analysis in one tangent space gets wrong. NaN where
            there is no geodesic.
        distortion_converged: whether the geodesic of each pair did, `(s,)`; false: the distortion
            is a lower bound.
    """

    metric: Metric
    mean: FrechetMean
    directions: Float[Tensor, "c d"]
    variance: Float[Tensor, "c"]
    share: Float[Tensor, "c"]
    coordinates: Float[Tensor, "b c"]
    converged: bool
    captured_by_flat: float
    distortion: Float[Tensor, "s"]
    distortion_converged: Bool[Tensor, "s"]

    def codes(self, coordinates: Float[Tensor, "b c"]) -> Float[Tensor, "b d"]:
        """Where coordinates along the geodesics lead to; NaN where that is beyond the metric."""
        require_floating("coordinates", coordinates)
        if coordinates.ndim != 2 or coordinates.shape[1] != len(self.directions):
            raise ValueError(
                f"coordinates must be (b, {len(self.directions)}), one for each geodesic, got "
                f"{tuple(coordinates.shape)}."
            )
        base = self.mean.point.expand(len(coordinates), -1).contiguous()
        return exponential(self.metric, base, coordinates @ self.directions).end

    def __str__(self) -> str:
        shares = ", ".join(f"{share:.1%}" for share in self.share.tolist())
        known = self.distortion[self.distortion_converged].abs()
        wrong = (
            f"; distances in the tangent space off by {float(known.median()):.1%} (median)"
            if len(known)
            else ""
        )
        return (
            f"{len(self.share)} principal geodesics: {shares} of the variance; as many flat "
            f"directions capture {self.captured_by_flat:.1%} of what they do{wrong}"
            + ("" if self.converged else "; not converged")
        )


@torch.no_grad()
def principal_geodesics(
    metric: Metric,
    points: Float[Tensor, "b d"],
    *,
    components: int | None = None,
    weights: Float[Tensor, "b"] | None = None,
    exact: bool = False,
    segments: int | None = None,
    pairs: int = 50,
    seed: int = 0,
) -> PrincipalGeodesics:
    r"""Principal components of the log maps at the Fréchet mean.

    .. math:: \max_{u} \sum_i w_i ⟨\log_m x_i, u⟩_m^2, \qquad |u|_m = 1

    Inner products are those of the metric at the mean, so that the result does not depend on the
    coordinates of the codes; geomstats' TangentPCA takes the coordinates' own. It is principal
    geodesic analysis to first order: geodesics through the mean, but projections on them in the
    tangent space. `distortion` says what that costs.

    Args:
        metric: on codes.
        points: codes, `(b, d)`.
        components: c; all if not given.
        weights: `(b,)`, not negative; equal if not given.
        exact: log maps from the geodesic equation; see `log_maps`.
        segments: of the geodesics, as in `connect`.
        pairs: of codes on which the distortion is measured.
        seed: of their choice.

    Returns:
        The geodesics, and how well flat directions would do.

    Raises:
        ValueError: codes or weights are bad, all codes are the same, or there are not so many
            components.
        TypeError: the metric is none, or codes or weights are no tensors.

    References:
        Fletcher, P. T., Lu, C., Pizer, S. M., Joshi, S. (2004). Principal geodesic analysis for the
        study of nonlinear statistics of shape.
    """
    require_metric(metric)
    sample = sample_of(points, weights)
    points = sample.points
    require_codes(metric, points, name="points")
    require_spread(sample)
    most = min(points.shape)
    count = most if components is None else components
    if not 1 <= count <= most or pairs < 0:
        raise ValueError(f"components must be between 1 and {most}, got {count}; pairs {pairs}.")
    mean = frechet_mean(metric, points, weights=weights, segments=segments)
    base = mean.point.expand_as(points).contiguous()
    logs = log_maps(metric, base, points, exact=exact, segments=segments, path=mean.paths)
    frame = orthonormal_frame(metric.matrix(mean.point[0]))
    usable = bool(logs.velocity.isfinite().all() and frame.isfinite().all())
    safe_frame = frame if usable else torch.eye(len(frame), dtype=frame.dtype, device=frame.device)
    velocity = logs.velocity if usable else torch.zeros_like(logs.velocity)
    root = sample.weight.sqrt()[:, None]
    vectors = torch.linalg.solve_triangular(safe_frame, velocity.T, upper=True).T
    _, singular, axes = torch.linalg.svd(root * vectors, full_matrices=False)
    # Of the two signs, that with a positive greatest entry.
    sign = axes.gather(1, axes.abs().argmax(1, keepdim=True)).sign()
    axes = (sign * axes)[:count]
    variance = singular.square()
    flat = points - mean.flat_point
    _, _, flat_axes = torch.linalg.svd(root * flat, full_matrices=False)
    flat_frame = torch.linalg.solve_triangular(safe_frame, flat_axes[:count].T, upper=True)
    flat_basis, _ = torch.linalg.qr(flat_frame)
    captured = (root * vectors @ flat_basis).square().sum() / variance[:count].sum()
    nan = torch.nan
    known = vectors if usable else vectors * nan
    distortion, followed = _distortion(metric, points, known, pairs, seed, segments)
    return PrincipalGeodesics(
        metric=metric,
        mean=mean,
        directions=axes @ safe_frame.T if usable else torch.full_like(axes, nan),
        variance=variance[:count] if usable else torch.full_like(variance[:count], nan),
        share=variance[:count] / variance.sum() if usable else variance[:count] * nan,
        coordinates=vectors @ axes.T if usable else (vectors @ axes.T) * nan,
        converged=usable and bool(mean.converged.all() and logs.converged.all()),
        captured_by_flat=float(captured) if usable else nan,
        distortion=distortion,
        distortion_converged=followed,
    )


def _distortion(
    metric: Metric, points: Tensor, vectors: Tensor, pairs: int, seed: int, segments: int | None
) -> tuple[Float[Tensor, "s"], Bool[Tensor, "s"]]:
    generator = torch.Generator().manual_seed(seed)
    first = torch.randint(len(points), (pairs,), generator=generator)
    other = (first + torch.randint(1, len(points), (pairs,), generator=generator)) % len(points)
    different = (points[first] != points[other]).any(1).cpu()
    first, other = first[different], other[different]
    path = connect(metric, points[first], points[other], segments=segments)
    apart = torch.linalg.vector_norm(vectors[first] - vectors[other], dim=1)
    distortion = apart / torch.where(path.length > 0, path.length, torch.nan) - 1
    return distortion, path.converged & distortion.isfinite()
