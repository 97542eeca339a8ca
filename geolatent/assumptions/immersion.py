"""The decoder is an immersion."""

from typing import final

import torch
from typing_extensions import override

from geolatent.assumptions.assumption import Assumption
from geolatent.assumptions.claim import Claim
from geolatent.assumptions.measurement import Items, Measurement
from geolatent.assumptions.subject import Subject
from geolatent.assumptions.tolerance import Tolerance
from geolatent.interpolation import share_interval
from geolatent.metrics.in_chunks import in_chunks


@final
class Immersion(Assumption):
    r"""The share of codes at which the decoder ignores some direction.

    .. math:: \frac{σ_{\min}(J)}{σ_{\max}(J)} < τ, \qquad G = J^\top J

    with coordinates measured in standard deviations of the codes. Below the floor of a coordinate
    that the posterior has collapsed to, curvature and logarithms mean nothing.

    Args:
        threshold: τ, the ratio of the least to the greatest stretch that counts as none.
        tolerated: share of codes that may be rank-deficient.
        codes: how many to look at, at most.
    """

    def __init__(
        self, *, threshold: float = 1e-3, tolerated: float = 0.02, codes: int = 500
    ) -> None:
        self.threshold, self.codes = threshold, codes
        self.claim = Claim(
            name="immersion",
            cost=f"a Jacobian at each of {codes} codes, at most",
            sentence="The decoder tells all directions of a code apart.",
            kind="geometry",
            effect=f"share of codes where some direction is stretched less than {threshold:g} "
            "times as much as another",
            tolerance=Tolerance(
                at_most=tolerated, reason="isolated folds are harmless; a lost dimension is not"
            ),
            remedy="Drop the unused dimensions (dim=2), or lower the weight of the KL "
            "divergence (train.beta=0.5).",
            minimum_sample=100,
        )

    @override
    def measure(self, subject: Subject) -> Measurement:
        codes = subject.codes[subject.sample(self.claim.name, self.codes)]
        metric = subject.model.induced_metric()
        unit = subject.unit()

        def ratio(z: torch.Tensor) -> tuple[torch.Tensor]:
            scaled = metric.matrix(z) * unit * unit[:, None]
            finite = scaled.isfinite().all(-1).all(-1)
            values = torch.linalg.eigvalsh(scaled.double().nan_to_num(0.0, 0.0, 0.0))
            least, greatest = values[..., 0].clamp_min(0), values[..., -1]
            stretch = (least / torch.where(greatest > 0, greatest, 1)).sqrt()
            return (torch.where(finite, stretch, torch.nan),)

        planned = len(codes)
        stretch = torch.cat(
            [in_chunks(metric, ratio, codes[some])[0] for some in subject.in_time(planned)]
        )
        codes = codes[: len(stretch)]
        # The Jacobian can be zero where the decoder itself is not defined.
        defined = subject.model.decode(codes).flatten(1).isfinite().all(1)
        stretch = stretch.masked_fill(~defined, torch.nan)
        lost = stretch < self.threshold
        failed = int(stretch.isnan().sum())
        good = len(codes) - failed
        return Measurement(
            effect=int(lost.sum()) / good if good else float("nan"),
            interval=share_interval(int(lost.sum()), good, failed=failed),
            sample=good,
            failed=failed,
            items=Items(
                codes.unsqueeze(1).double().cpu().numpy(),
                stretch.cpu().numpy(),
                worse=-1,
                limit=self.threshold,
            ),
            details={"median ratio": float(stretch.nanmedian())},
            planned=planned,
        )
