"""Codes are where they can be stored."""

import math
from typing import final

from typing_extensions import override

from geolatent.assumptions.assumption import Assumption
from geolatent.assumptions.claim import Claim
from geolatent.assumptions.measurement import Items, Measurement, NotApplicable
from geolatent.assumptions.subject import Subject
from geolatent.assumptions.tolerance import Tolerance
from geolatent.interpolation import share_interval
from geolatent.latents import monitor
from geolatent.models import VAE


@final
class NotClipped(Assumption):
    """The share of codes farther out than the coordinates of their space can store.

    Such a code is moved to the last point that can be stored, and its gradient is zero: two of them
    are no longer told apart. The dtype counts: codes are looked at in the one the model works in.

    Args:
        tolerated: share of codes that may be clipped.

    References:
        Mishne, G., Wan, Z., Wang, Y., Yang, S. (2023). The numerical stability of hyperbolic
        representation learning. arXiv 2211.00181.
    """

    def __init__(self, *, tolerated: float = 0.02) -> None:
        self.claim = Claim(
            name="not-clipped",
            cost="norms of all codes",
            sentence="No code is farther out than its space can store.",
            kind="integrity",
            effect="share of codes beyond the radius that can be stored",
            tolerance=Tolerance(
                at_most=tolerated,
                reason="one code in fifty moves no average by much; it takes 183 codes to show it",
            ),
            remedy="Train in float64 (model.double()), use "
            "latent=hyperbolic (the Lorentz model reaches farther than the ball), a smaller "
            "latent.prior_scale or a greater train.beta.",
            minimum_sample=100,
        )

    @override
    def measure(self, subject: Subject) -> Measurement | NotApplicable:
        model = subject.model
        if not isinstance(model, VAE):
            return NotApplicable(
                "The decoder has no latent space with a limit: its codes are flat."
            )
        like = next((p for p in model.parameters() if p.is_floating_point()), subject.codes)
        codes = subject.codes.to(device=like.device, dtype=like.dtype)
        report = monitor(model.latent, codes)
        if math.isinf(report.valid_radius):
            return NotApplicable("The space is flat: every finite code can be stored.")
        total = len(codes)
        clipped = round(report.share_clipped * total)
        return Measurement(
            effect=clipped / total,
            interval=share_interval(clipped, total),
            sample=total,
            items=Items(
                codes.unsqueeze(1).double().cpu().numpy(), codes.norm(dim=1).double().cpu().numpy()
            ),
            details={
                "largest radius": report.largest_radius,
                "valid radius": report.valid_radius,
                "share beyond the valid radius": report.share_beyond_valid,
            },
        )
