"""Whether a prior has its mass where points can be stored."""

import torch

from geolatent.latents import codes_of_factors
from geolatent.manifolds import Lorentz, PoincareBall
from geolatent.metrics import ManifoldMetric
from geolatent.models import VAE
from geolatent.training.random_state import isolated_random

_DRAWS = 512
_MOST = 0.01  # of the prior's mass that may lie where points are clipped
# Points at the limit come back with a code that rounding shortens: by 4 % in float32.
_LIMIT = 0.95


def require_storable_prior(model: VAE) -> None:
    """Refuse a prior whose points the coordinates cannot hold.

    Where they are clipped, log q − log p at a sample is no estimate of the KL divergence: it has no
    lower bound, and training drives all codes there.

    Args:
        model: in the dtype in which it will be trained.

    Raises:
        ValueError: more than a hundredth of the prior is at the limit of a hyperbolic factor.
    """
    latent = model.latent
    if not isinstance(latent.metric, ManifoldMetric):
        return
    with torch.no_grad(), isolated_random(0):
        codes = latent.code(model.prior().sample((_DRAWS,)))
    for manifold, part in codes_of_factors(latent.metric.manifold, codes):
        if not isinstance(manifold, Lorentz | PoincareBall):
            continue
        limit = manifold.largest_radius(part.dtype)
        share = float((~(part.norm(dim=-1) <= _LIMIT * limit)).to(part).mean())
        if share > _MOST:
            raise ValueError(
                f"{share:.0%} of the prior is farther from the origin than {limit:.3g}, where "
                f"points of {manifold} end in {part.dtype}: its KL divergence cannot be "
                "estimated. Train in float64, use Lorentz, which stores points farther out, a "
                "smaller prior_scale or a curvature nearer to zero; a Riemannian normal of d "
                "dimensions lies at (d − 1) √−K prior_scale²."
            )
