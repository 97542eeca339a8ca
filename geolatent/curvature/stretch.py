"""How much a metric stretches its codes: along the axes of its ellipse, and in volume."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.metrics.in_chunks import in_chunks
from geolatent.metrics.metric import ImmersedMetric, Metric
from geolatent.metrics.require_codes import require_codes


@torch.no_grad()
def principal_stretches(metric: Metric, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"]:
    r"""The factors by which lengths grow along the principal directions of the metric.

    .. math:: σ_1 \ge \dots \ge σ_d \ge 0, \qquad σ_i^2 \text{ the eigenvalues of } G(z)

    For an immersion they are the singular values of J, to full precision however small; from a
    matrix they are known to the square root of its rounding error.

    Args:
        metric: on codes.
        z: codes, `(*b, d)`.

    Returns:
        `(*b, d)`, largest first; NaN for the codes where the metric is not finite.
    """
    require_codes(metric, z)

    def stretches(codes: Tensor) -> tuple[Tensor]:
        immersed = isinstance(metric, ImmersedMetric)
        matrix = (
            metric.jacobian(codes) if isinstance(metric, ImmersedMetric) else metric.matrix(codes)
        )
        finite = matrix.isfinite().all(-1).all(-1)
        # LAPACK refuses a whole batch for one NaN.
        safe = torch.where(finite[:, None, None], matrix, 0)
        if immersed:
            rows = max(0, codes.shape[-1] - safe.shape[-2])  # fewer features than dimensions
            padded = torch.nn.functional.pad(safe, (0, 0, 0, rows))
            values = torch.linalg.svdvals(padded)
        else:
            values = torch.linalg.eigvalsh(safe).clamp_min(0).sqrt().flip(-1)
        return (torch.where(finite.unsqueeze(1), values, torch.nan),)

    return in_chunks(metric, stretches, z, evaluations=z.shape[-1] + 1)[0]


def volume_element(metric: Metric, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b"]:
    r"""Riemannian volume per volume of codes, :math:`\sqrt{\det G}`.

    Args:
        metric: on codes.
        z: codes, `(*b, d)`.

    Returns:
        `(*b,)`; 0 where the metric is rank-deficient, NaN where it is not finite.
    """
    return principal_stretches(metric, z).prod(-1)


def log10_magnification(
    metric: Metric, z: Float[Tensor, "*b d"], *, reference: Metric | None = None
) -> Float[Tensor, "*b"]:
    r"""Decimal logarithm of the volume element, absolute or relative to another metric.

    .. math:: \log_{10} \sqrt{\det G(z) / \det G_0(z)}

    With a reference the number does not depend on the coordinates of the codes.

    Args:
        metric: on codes.
        z: codes, `(*b, d)`.
        reference: G₀; the identity if not given, which leaves the magnification factor.

    Returns:
        `(*b,)`; 1 where ten units of volume are made from one, −∞ where the metric is
        rank-deficient, NaN where it is not finite.

    References:
        Bishop, C. M., Svensén, M., Williams, C. K. I. (1997). Magnification factors for the GTM
        algorithm.
    """
    logarithm = principal_stretches(metric, z).log().sum(-1)
    if reference is not None:
        logarithm = logarithm - principal_stretches(reference, z).log().sum(-1)
    return logarithm / math.log(10)


def condition_number(metric: Metric, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b"]:
    r"""Largest over smallest eigenvalue of the metric, :math:`(σ_1 / σ_d)^2`.

    Its root is by how much a small circle of codes becomes longer than wide.

    Args:
        metric: on codes.
        z: codes, `(*b, d)`.

    Returns:
        `(*b,)`, at least 1; ∞ where the metric is rank-deficient, NaN where it is not finite.
    """
    stretches = principal_stretches(metric, z)
    ratio = stretches[..., 0] / stretches[..., -1]
    return torch.where(stretches[..., -1] == 0, torch.inf, ratio.square())
