"""Whether codes stay where their coordinates can be trusted."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.latents.latent_space import LatentSpace
from geolatent.manifolds import Lorentz, Manifold, PoincareBall, Product
from geolatent.metrics import ManifoldMetric


@dataclass(frozen=True)
class CodeReport:
    """What became of codes in the coordinates of their space.

    Attributes:
        largest_radius: of a code, its distance from the origin; of a product, in the factor that
            comes nearest to its limit.
        valid_radius: how far the coordinates of that space can be trusted in this dtype.
        share_beyond_valid: of the codes, from 0 to 1; codes that are not finite count as beyond.
        share_clipped: of the codes, those at the end of what can be stored or beyond it.
        advice: what to do about it; empty if there is nothing to do.
    """

    largest_radius: float
    valid_radius: float
    share_beyond_valid: float
    share_clipped: float
    advice: str


@torch.no_grad()
def monitor(latent: LatentSpace, z: Float[Tensor, "*b d"]) -> CodeReport:
    """Measure how far out codes are.

    Costs one norm of each code and one wait for the device.

    Args:
        latent: the space.
        z: codes of posterior locations or of samples, in the dtype in which the model works.

    Returns:
        The report.

    Raises:
        ValueError: there are no codes.
    """
    if z.numel() == 0:
        raise ValueError(f"there are no codes to look at in a tensor of shape {tuple(z.shape)}.")
    metric = latent.metric
    factors: list[tuple[Manifold, Tensor]] = []
    if isinstance(metric, ManifoldMetric):
        factors = codes_of_factors(metric.manifold, z)
    measured = [_measure(manifold, codes) for manifold, codes in factors]
    if not measured:  # flat: every finite code is as good as any other
        finite = z.isfinite().all(dim=-1)
        radius = torch.linalg.vector_norm(z, dim=-1).max()
        share, largest = torch.stack([(~finite).to(z).mean(), radius]).tolist()
        return CodeReport(largest, math.inf, share, 0.0, _not_finite(share))
    beyond = torch.stack([flags for _, flags, _ in measured]).any(dim=0)
    clipped = torch.stack([flags for _, _, flags in measured]).any(dim=0)
    radii = torch.stack([radius for radius, _, _ in measured])
    limits = [manifold.valid_radius(z.dtype) for manifold, _ in factors]
    shares = torch.stack([beyond.to(z).mean(), clipped.to(z).mean()])
    share_beyond, share_clipped, *largest = torch.cat([shares, radii]).tolist()
    used = [
        math.inf if math.isnan(radius) else radius / limit
        for radius, limit in zip(largest, limits, strict=True)
    ]
    worst = used.index(max(used))
    advice = _not_finite(share_beyond) if math.isnan(largest[worst]) else ""
    if share_beyond and not advice:
        advice = _advice(factors[worst][0], z.dtype, share_beyond, share_clipped, largest[worst])
    return CodeReport(largest[worst], limits[worst], share_beyond, share_clipped, advice)


def codes_of_factors(
    manifold: Manifold, z: Float[Tensor, "*b d"]
) -> list[tuple[Manifold, Float[Tensor, "*b k"]]]:
    """The manifolds that a product is made of, of products too, with their part of each code."""
    if not isinstance(manifold, Product):
        return [(manifold, z)]
    parts = zip(manifold.factors, manifold.split_codes(z), strict=True)
    return [pair for factor, codes in parts for pair in codes_of_factors(factor, codes)]


def last_radius(manifold: Manifold, dtype: torch.dtype) -> float:
    """Radius beyond which a code is at the end of the coordinates, or was moved back to it.

    Args:
        manifold: with codes.
        dtype: of the codes.
    """
    largest = manifold.largest_radius(dtype)
    if isinstance(manifold, Lorentz | PoincareBall):
        # The ball moves points back to log 2 before its last one, less rounding there.
        return largest - 0.8 / math.sqrt(-float(manifold.curvature.detach()))
    # A code at the limit itself may be rounded beyond it.
    return largest * (1 + 8 * torch.finfo(dtype).eps)


def _measure(manifold: Manifold, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Largest radius, and which codes are beyond the valid and the largest one."""
    radius = torch.linalg.vector_norm(z, dim=-1)
    within = radius <= manifold.valid_radius(z.dtype)
    return radius.max(), ~within, radius > last_radius(manifold, z.dtype)


def _not_finite(share: float) -> str:
    if not share:
        return ""
    return (
        f"{share:.1%} of the codes are not finite or beyond the valid radius: lower the learning "
        "rate or clip gradients, and look at the data for values that are not finite."
    )


def _advice(
    manifold: Manifold, dtype: torch.dtype, beyond: float, clipped: float, largest: float
) -> str:
    name, limit = type(manifold).__name__.removeprefix("Parametrized"), manifold.valid_radius(dtype)
    said = (
        f"{beyond:.1%} of the codes are farther from the origin ({largest:.3g} at most) than the "
        f"{limit:.3g} up to which {name} resolves positions in {dtype}"
    )
    if clipped:
        said += f", and {clipped:.1%} farther than it can store, where gradients end"
    if not isinstance(manifold, Lorentz | PoincareBall):
        return (
            f"{said}: they are close to the cut of the chart or beyond it, where codes of "
            "neighbouring points are far apart; compare points and distances, not codes."
        )
    remedies = []
    if dtype != torch.float64:
        remedies.append("train in float64")
    if clipped and isinstance(manifold, PoincareBall):
        remedies.append("use Lorentz, which stores points three times as far out")
    remedies.append("use a curvature nearer to zero, a smaller prior scale or a greater β")
    return f"{said}: {', or '.join(remedies)}."
