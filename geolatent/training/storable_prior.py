"""Whether a prior has its mass where points can be stored."""

import warnings

import torch

from geolatent.latents import codes_of_factors, last_radius
from geolatent.manifolds import Lorentz, PoincareBall
from geolatent.metrics import ManifoldMetric
from geolatent.models import VAE
from geolatent.training.random_state import isolated_random

_DRAWS = 512
_MOST = 0.01  # of the prior's mass that may lie where points are clipped
_MUCH = 0.1  # of it beyond the valid radius: told


def require_storable_prior(model: VAE) -> None:
    """Refuse a prior whose points the coordinates cannot hold.

    Where they are clipped, log q − log p at a sample is no estimate of the KL divergence: it has no
    lower bound, and training drives all codes there. Of a `RiemannianNormal`, which ends before
    that, much would be piled up at its end.

    Args:
        model: in the dtype in which it will be trained.

    Raises:
        ValueError: more than a hundredth of the prior is at the limit of a hyperbolic factor.

    Warns:
        UserWarning: more than a tenth of it is beyond the valid radius.
    """
    latent = model.latent
    if not isinstance(latent.metric, ManifoldMetric):
        return
    with torch.no_grad(), isolated_random(0):
        codes = latent.code(model.prior().sample((_DRAWS,)))
    for manifold, part in codes_of_factors(latent.metric.manifold, codes):
        if not isinstance(manifold, Lorentz | PoincareBall):
            continue
        name = "Lorentz" if isinstance(manifold, Lorentz) else "PoincareBall"
        radius, valid = part.norm(dim=-1), manifold.valid_radius(part.dtype)
        limit = manifold.largest_radius(part.dtype)
        share = float((~(radius <= last_radius(manifold, part.dtype))).to(part).mean())
        beyond = float((radius > valid).to(part).mean())
        if share > _MOST:
            raise ValueError(
                f"{share:.0%} of the prior is as far from the origin as {limit:.3g}, where "
                f"points of {name} end in {part.dtype}, or farther: its KL divergence cannot "
                f"be estimated. {_remedies(part.dtype)}"
            )
        if beyond > _MUCH:
            warnings.warn(
                f"{beyond:.0%} of the prior is farther from the origin than the {valid:.3g} up to "
                f"which {name} resolves positions in {part.dtype}: draws there are rounded by "
                f"more than a thousandth of the curvature radius. {_remedies(part.dtype)}",
                stacklevel=3,
            )


def _remedies(dtype: torch.dtype) -> str:
    first = "" if dtype == torch.float64 else "Train in float64, or use "
    return (
        f"{first or 'Use '}Lorentz, which stores points farther out, a smaller prior_scale or a "
        "curvature nearer to zero; a Riemannian normal of d dimensions lies at "
        "(d − 1) √−K prior_scale²."
    )
