"""Distances do not depend on the seed of training."""

from collections.abc import Sequence
from typing import Literal, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from geolatent.assumptions.assumption import Assumption
from geolatent.assumptions.claim import Claim
from geolatent.assumptions.measurement import Items, Measurement, NotApplicable
from geolatent.assumptions.quantile_interval import quantile_interval
from geolatent.assumptions.subject import Subject
from geolatent.assumptions.tolerance import Tolerance
from geolatent.interpolation import random_pairs
from geolatent.latents import LatentModel

_FEWEST = 3  # models
_COMPARED = 64  # codes whose decoded values tell a copy


@final
class SeedStable(Assumption):
    r"""The median, over pairs of data, of how much their distance varies between trainings.

    .. math:: \operatorname{median}_{ij} \frac{\operatorname{sd}_s D_s(x_i, x_j)}
        {\operatorname{mean}_s D_s(x_i, x_j)}, \qquad D_s \text{ divided by its own mean}

    with the standard deviation over S models corrected for small S by the factor 1 + 1 / 4S. The
    interval is by order statistics over disjoint pairs: it speaks of other data under these models,
    not of other seeds, for which S is the number that counts. Three different models it takes at
    least; one that gives the same codes and decodes them alike is a copy and does not count.

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
        everybody = _different([(subject.model, subject.codes), *subject.replicas])
        if len(everybody) < _FEWEST:
            return NotApplicable(
                f"A scatter over seeds needs {_FEWEST} different models, this one among them; of "
                f"{1 + len(subject.replicas)} that were given {len(everybody)} are different.",
                lacking="replicas",
            )
        start, end = random_pairs(len(subject.codes), subject.pair_count, seed=subject.seed)
        if self.distance == "geodesic":
            others = [
                Subject(model, z, pairs=subject.pair_count, seed=subject.seed, until=subject.until)
                for model, z in everybody[1:]
            ]  # the same seed and number: the same pairs of data
            paths = [one.pairs.path for one in (subject, *others)]
            lengths = [path.length.masked_fill(~path.converged, torch.nan) for path in paths]
            count = min(map(len, lengths))  # a lack of time may have left fewer of some
            lengths = [length[:count] for length in lengths]
            start, end = start[:count], end[:count]
        else:
            lengths = [(z[start] - z[end]).norm(dim=1) for _, z in everybody]
        table = torch.stack([length.double().cpu() for length in lengths]).numpy()
        # Lengths of zero are in no proportion.
        good = np.isfinite(table).all(0) & (table > 0).any(0)
        failed = int((~good).sum())
        variation = np.full(len(good), np.nan)
        kept = table[:, good]
        mean = kept.mean(1, keepdims=True) if kept.size else np.zeros((1, 1))
        if (mean > 0).all():
            variation[good] = _variation(kept / mean)
        else:  # a model that gives all data one code has no distances to compare
            failed = len(good)
        values = variation[np.isfinite(variation)]
        ends = torch.stack([subject.codes[start], subject.codes[end]], 1)
        return Measurement(
            effect=float(np.median(values)) if len(values) else float("nan"),
            interval=quantile_interval(values, failed=failed),
            sample=len(values),
            failed=failed,
            items=Items(ends.double().cpu().numpy(), variation),
            details={"models": float(len(everybody))},
            planned=subject.pair_count,
        )


def _different(models: Sequence[tuple[LatentModel, Tensor]]) -> list[tuple[LatentModel, Tensor]]:
    """Those that are no copy of an earlier one."""
    kept: list[tuple[LatentModel, Tensor, Tensor]] = []
    different: list[tuple[LatentModel, Tensor]] = []
    for model, given in models:
        codes = given.double()
        decoded = model.decode(given[:_COMPARED]).double()
        if not any(
            codes.equal(z)
            and decoded.shape == other.shape
            and decoded.allclose(other, equal_nan=True)
            for _, z, other in kept
        ):
            kept.append((model, codes, decoded))
            different.append((model, given))
    return different


def _variation(distances: Float[np.ndarray, "s b"]) -> Float[np.ndarray, "b"]:
    mean = distances.mean(0)
    corrected = (1 + 0.25 / len(distances)) * distances.std(0, ddof=1)
    return corrected / np.where(mean > 0, mean, 1)
