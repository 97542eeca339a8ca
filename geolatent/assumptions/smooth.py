"""The decoder is smooth enough for curvature."""

from typing import final

import torch
from torch import Tensor
from typing_extensions import override

from geolatent.assumptions.assumption import Assumption
from geolatent.assumptions.claim import Claim
from geolatent.assumptions.measurement import Items, Measurement
from geolatent.assumptions.subject import Subject
from geolatent.assumptions.tolerance import Tolerance
from geolatent.interpolation import share_interval
from geolatent.metrics import ImmersedMetric, Metric
from geolatent.metrics.in_chunks import in_chunks

_STEP = 0.05  # standard deviations of the codes: far below what latent spaces vary over
_STRAIGHT = 1e-2  # relative change of the Jacobian, over a standard deviation, that counts as none


@final
class Smooth(Assumption):
    r"""The share of codes where a second derivative depends on the step that it is taken with.

    .. math:: \frac{‖D_h - D_{h/2}‖}{\max(‖D_h‖, ‖D_{h/2}‖)} > τ, \qquad
        D_h = \frac{J(z + h u) u - J(z - h u) u}{2 h}

    for one random direction u at each code, h = 0.05 standard deviations. It is O(h²) for a smooth
    decoder, and of order one for one with kinks, whose curvature is zero between them and infinite
    on them. Of a metric without an immersion the matrix is looked at in place of J u.

    Args:
        threshold: τ.
        tolerated: share of codes that may be rough.
        codes: how many to look at, at most.
    """

    def __init__(
        self, *, threshold: float = 0.25, tolerated: float = 0.10, codes: int = 300
    ) -> None:
        self.threshold, self.codes = threshold, codes
        self.claim = Claim(
            name="smooth",
            cost=f"Jacobians around each of {codes} codes, at most",
            sentence="The decoder is smooth enough for curvature to mean something.",
            kind="geometry",
            effect="share of codes where second differences at two step lengths disagree by more "
            f"than {threshold:.0%}",
            tolerance=Tolerance(
                at_most=tolerated, reason="curvature is reported over codes, and survives outliers"
            ),
            remedy="Train with a smooth activation (network.decoder.activation=tanh); "
            "lengths and geodesics hold all the same, curvature and the geodesic equation do not.",
            minimum_sample=50,
            has_null=True,
        )

    @override
    def measure(self, subject: Subject) -> Measurement:
        codes = subject.codes[subject.sample(self.claim.name, self.codes)]
        generator = subject.generator(f"{self.claim.name} directions")
        direction = torch.randn(codes.shape, generator=generator, dtype=torch.float64)
        direction = direction / direction.norm(dim=1, keepdim=True)
        direction = direction.to(codes) * subject.unit()
        metric = subject.model.induced_metric()

        def disagreement(z: Tensor, u: Tensor) -> tuple[Tensor]:
            long, short = (
                (_derivative(metric, z + h * u, u) - _derivative(metric, z - h * u, u)) / (2 * h)
                for h in (_STEP, _STEP / 2)
            )
            scale = torch.maximum(long.norm(dim=1), short.norm(dim=1))
            floor = _STRAIGHT * _derivative(metric, z, u).norm(dim=1)
            scale = torch.maximum(scale, floor)
            # Where nothing changes along u there is nothing to disagree on.
            return ((long - short).norm(dim=1) / torch.where(scale > 0, scale, torch.nan),)

        planned, wide = len(codes), codes.shape[1] + 2
        found = torch.cat(
            [
                in_chunks(metric, disagreement, codes[some], direction[some], evaluations=wide)[0]
                for some in subject.in_time(planned)
            ]
        )
        codes = codes[: len(found)]
        rough, failed = int((found > self.threshold).sum()), int(found.isnan().sum())
        good = len(codes) - failed
        said = "" if good else "The decoder changes at none of the codes."
        return Measurement(
            effect=rough / good if good else float("nan"),
            interval=share_interval(rough, good, failed=failed),
            sample=good,
            failed=failed,
            items=Items(
                codes.unsqueeze(1).double().cpu().numpy(),
                found.double().cpu().numpy(),
                limit=self.threshold,
            ),
            planned=planned,
            said=said,
        )


def _derivative(metric: Metric, z: Tensor, u: Tensor) -> Tensor:
    if isinstance(metric, ImmersedMetric):
        return (metric.jacobian(z) @ u.unsqueeze(-1)).squeeze(-1)
    return metric.matrix(z).flatten(1)
