"""Raising an index, and where that cannot be done."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from geolatent.metrics.in_chunks import in_chunks
from geolatent.metrics.metric import Metric


def raise_index(
    matrix: Float[Tensor, "*b d d"], covectors: Float[Tensor, "*b d k"]
) -> Float[Tensor, "*b d k"]:
    r"""Vectors with given inner products with the coordinate directions.

    .. math:: v = G^{-1} c

    Args:
        matrix: G, `(*b, d, d)`.
        covectors: c, `(*b, d, k)`.

    Returns:
        `(*b, d, k)`; NaN, for that item alone, where G is not regular (`regular`).
    """
    factor, scale, usable = _scaled_cholesky(matrix)
    scaled = torch.where(usable[..., None, None], scale.unsqueeze(-1) * covectors, 0)
    vectors = scale.unsqueeze(-1) * torch.cholesky_solve(scaled, factor)
    return torch.where(usable[..., None, None], vectors, torch.nan)


def orthonormal_frame(matrix: Float[Tensor, "*b d d"]) -> Float[Tensor, "*b d d"]:
    r"""A basis E, in columns, that the metric makes orthonormal: EᵀGE = I.

    It is upper triangular, :math:`E = L^{-\top}` with :math:`G = LL^\top`.

    Args:
        matrix: G, `(*b, d, d)`.

    Returns:
        `(*b, d, d)`; NaN, for that item alone, where G is not regular.
    """
    factor, scale, usable = _scaled_cholesky(matrix)
    identity = torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
    frame = torch.linalg.solve_triangular(factor.mT, identity.expand_as(matrix), upper=True)
    return torch.where(usable[..., None, None], scale.unsqueeze(-1) * frame, torch.nan)


def is_regular(matrix: Float[Tensor, "*b d d"]) -> Bool[Tensor, "*b"]:
    """Whether each matrix is finite and positive definite to working precision.

    Each coordinate is first measured in its own unit, so that the answer does not depend on units.
    Then a direction counts as lost when its squared length, beyond what the coordinates before it
    explain, is within the rounding error of a unit length.
    """
    return _scaled_cholesky(matrix)[2]


@torch.no_grad()
def regular(metric: Metric, z: Float[Tensor, "*b d"]) -> Bool[Tensor, "*b"]:
    """Where the metric can be inverted: elsewhere connections and curvatures are NaN.

    Args:
        metric: on codes.
        z: codes, `(*b, d)`.

    Returns:
        `(*b,)`; false where the metric is rank-deficient to working precision, or not finite.
    """
    (result,) = in_chunks(metric, lambda codes: (is_regular(metric.matrix(codes)),), z)
    return result


def _scaled_cholesky(matrix: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Cholesky factor of SGS with unit diagonal, S as a vector, and where G is regular."""
    diagonal = matrix.diagonal(dim1=-2, dim2=-1)
    usable = matrix.isfinite().all(-1).all(-1) & (diagonal > 0).all(-1)
    scale = torch.where(usable.unsqueeze(-1), diagonal, 1).rsqrt()
    identity = torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
    unit = matrix * scale.unsqueeze(-1) * scale.unsqueeze(-2)
    factor, info = torch.linalg.cholesky_ex(torch.where(usable[..., None, None], unit, identity))
    # An entry of G is a sum with a rounding error of a few units in the last place of 1, and d of
    # them go into a pivot.
    rounding = 8 * matrix.shape[-1] * torch.finfo(matrix.dtype).eps
    pivots = factor.diagonal(dim1=-2, dim2=-1).square()
    usable = usable & (info == 0) & (pivots > rounding).all(-1)
    return torch.where(usable[..., None, None], factor, identity), scale, usable
