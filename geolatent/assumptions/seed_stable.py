"""Distances do not depend on the seed of training."""

from typing import Literal, final

import numpy as np
import torch
from jaxtyping import Float
from typing_extensions import override

from geolatent.assumptions.assumption import Assumption
from geolatent.assumptions.bootstrap_interval import bootstrap_interval
from geolatent.assumptions.claim import Claim
from geolatent.assumptions.measurement import Items, Measurement, NotApplicable
from geolatent.assumptions.subject import Subject
from geolatent.assumptions.tolerance import Tolerance
from geolatent.interpolation import random_pairs


@final
class SeedStable(Assumption):
    r"""The median, over pairs of data, of how much their distance varies between trainings.

    .. math:: \operatorname{median}_{ij} \frac{\operatorname{sd}_s D_s(x_i, x_j)}
        {\operatorname{mean}_s D_s(x_i, x_j)}, \qquad D_s \text{ divided by its own mean}

    with the standard deviation over S models corrected for small S by the factor 1 + 1 / 4S. The
    interval is a bootstrap over disjoint pairs: it speaks of other data under these models, not of
    other seeds, for which S is the number that counts.

    Args:
        distance: `"straight"` between codes, or `"geodesic"` in the induced geometry.
        tolerated: coefficient of variation.

    References:
        Syrota, S., Moreno-Muñoz, P., Hauberg, S. (2024). Decoder ensembling for learned latent
        geometries. arXiv 2408.07507: geodesic distances vary less between trainings.
    """

    def __init__(
        self,
        *,
        distance: Literal["straight", "geodesic"] = "straight",
        tolerated: float = 0.15,
    ) -> None:
        if distance not in ("straight", "geodesic"):
            raise ValueError(f"distance must be 'straight' or 'geodesic', got {distance!r}.")
        self.distance = distance
        self.claim = Claim(
            name="seed-stable",
            cost="distances of all pairs in every model",
            sentence="Distances between codes do not depend on the seed of training.",
            kind="statistics",
            effect=f"median coefficient of variation of {distance} distances over trainings with "
            "other seeds, each in units of its mean",
            tolerance=Tolerance(
                at_most=tolerated,
                reason="two distances that differ by a third then keep their order in most "
                "trainings",
            ),
            remedy="Report distances with their scatter over seeds; compare geodesic distances, or "
            "those of an ensemble (likelihood=ensemble), which vary less.",
            minimum_sample=30,
        )

    @override
    def measure(self, subject: Subject) -> Measurement | NotApplicable:
        if not subject.replicas:
            return NotApplicable("No models trained with other seeds were given (replicas=...).")
        everybody = [(subject.model, subject.codes), *subject.replicas]
        start, end = random_pairs(len(subject.codes), subject.pair_count, seed=subject.seed)
        if self.distance == "geodesic":
            others = [
                Subject(model, z, pairs=subject.pair_count, seed=subject.seed, until=subject.until)
                for model, z in subject.replicas
            ]  # the same seed and number: the same pairs of data
            paths = [one.pairs.path for one in (subject, *others)]
            lengths = [path.length.masked_fill(~path.converged, torch.nan) for path in paths]
            count = min(map(len, lengths))  # a lack of time may have left fewer of some
            lengths = [length[:count] for length in lengths]
            start, end = start[:count], end[:count]
        else:
            lengths = [(z[start] - z[end]).norm(dim=1) for _, z in everybody]
        table = torch.stack([length.double().cpu() for length in lengths]).numpy()
        good = np.isfinite(table).all(0)
        failed = int((~good).sum())
        variation = np.full(len(good), np.nan)
        kept = table[:, good]
        if kept.size:
            variation[good] = _variation(kept / kept.mean(1, keepdims=True))
        values = variation[good]
        low, high = (
            bootstrap_interval(np.median, values, seed=subject.seed_of(self.claim.name))
            if len(values)
            else (float("nan"), float("nan"))
        )
        ends = torch.stack([subject.codes[start], subject.codes[end]], 1)
        return Measurement(
            effect=float(np.median(values)) if len(values) else float("nan"),
            # Failed pairs may vary as much as they like; a few of them do not move a median far.
            interval=(low, high if failed <= 0.05 * len(good) else float("inf")),
            sample=len(values),
            failed=failed,
            items=Items(ends.double().cpu().numpy(), variation),
            details={"models": float(len(everybody))},
            planned=subject.pair_count,
        )


def _variation(distances: Float[np.ndarray, "s b"]) -> Float[np.ndarray, "b"]:
    mean = distances.mean(0)
    corrected = (1 + 0.25 / len(distances)) * distances.std(0, ddof=1)
    return corrected / np.where(mean > 0, mean, 1)
