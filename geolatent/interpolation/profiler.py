"""Decodes paths and looks at what comes out."""

from collections.abc import Callable
from dataclasses import fields
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.geodesics import Path
from geolatent.interpolation.nearest_data import NearestData
from geolatent.interpolation.profile import Profile
from geolatent.latents import CodingModel, LatentModel, ScoringModel, UncertainModel

DRAWS = 8
"""From each posterior, for an evidence bound."""

_VALUES_AT_ONCE = 2**24  # decoded


@final
class Profiler:
    """Measures everything that can be measured along paths of one subject.

    Args:
        model: the subject.
        data: training data to measure distances to.
        classifier: from data `(k, p)` to class probabilities `(k, c)`.
        seed: of the draws of evidence bounds.

    Attributes:
        left_out: what cannot be measured, and why.
    """

    def __init__(
        self,
        model: LatentModel,
        *,
        data: NearestData | None = None,
        classifier: Callable[[Tensor], Tensor] | None = None,
        seed: int = 0,
    ) -> None:
        self._model, self._data, self._classifier, self._seed = model, data, classifier, seed
        self.left_out: dict[str, str] = {}
        if data is None:
            self.left_out["distance to data"] = "there are no data: pass data="
        if not isinstance(model, UncertainModel):
            self.left_out["uncertainty"] = "the subject states none"
        if not isinstance(model, CodingModel):
            self.left_out["cycle error"] = "the subject has no encoder"
        if not isinstance(model, ScoringModel):
            self.left_out["evidence bound"] = "the subject has no encoder, prior and likelihood"
        if classifier is None:
            self.left_out["classes"] = "pass labels= with data=, or a classifier="

    @torch.no_grad()
    def __call__(self, path: Path) -> Profile:
        """The profile of paths of one kind."""
        width = self._model.decode(path.points[:1, 0].nan_to_num(nan=0.0)).shape[-1]
        rows = max(1, _VALUES_AT_ONCE // (path.points.shape[1] * width))
        parts = [self._profile(points) for points in path.points.split(rows)]
        return Profile(
            **{
                field.name: None
                if any(getattr(part, field.name) is None for part in parts)
                else torch.cat([getattr(part, field.name) for part in parts])
                for field in fields(Profile)
            }
        )

    def _profile(self, points: Float[Tensor, "b t d"]) -> Profile:
        model = self._model
        usable = points.isfinite().all(2).all(1)
        decoded = model.decode(points.where(usable[:, None, None], 0))
        usable = usable & decoded.isfinite().all(2).all(1)
        whole = _Spread(usable, decoded.shape[1])
        x = decoded[usable].flatten(0, 1)
        times = decoded.shape[1]
        step = 1 / (times - 1)
        turn = decoded.diff(n=2, dim=1).square().mean(2).sqrt() / step**2
        distance = uncertainty = cycle = probability = None
        if self._data is not None:
            distance = whole(self._data.neighbours(x, 1)[0][:, 0])
        if isinstance(model, UncertainModel):
            uncertainty = whole(model.uncertainty(points[usable].flatten(0, 1)))
        if isinstance(model, CodingModel):
            again = model.decode(model.encode(x))
            cycle = whole((again - x).square().mean(1).sqrt())
        if self._classifier is not None:
            probability = whole(_checked(self._classifier(x), len(x)))
        return Profile(
            distance_to_data=distance,
            uncertainty=uncertainty,
            cycle_error=cycle,
            evidence_bound=self._bound(x, whole),
            acceleration=turn.masked_fill(~usable[:, None], torch.nan),
            class_probability=probability,
        )

    def _bound(self, x: Tensor, whole: "_Spread") -> Tensor | None:
        if not isinstance(self._model, ScoringModel) or "evidence bound" in self.left_out:
            return None
        if not len(x):
            return whole(x.new_empty(0))
        try:
            return whole(self._model.evidence_bound(x, draws=DRAWS, seed=self._seed))
        except ValueError as error:  # means of counts are no counts
            self.left_out["evidence bound"] = f"decoded means are no data for the model: {error}"
            return None


class _Spread:
    """Values at the points of usable paths, back in the rows of all paths."""

    def __init__(self, usable: Tensor, times: int) -> None:
        self._usable, self._times = usable, times

    def __call__(self, values: Tensor) -> Tensor:
        values = values.unflatten(0, (int(self._usable.sum()), self._times))
        whole = values.new_full((len(self._usable), *values.shape[1:]), torch.nan)
        whole[self._usable] = values
        return whole


def _checked(probability: Tensor, rows: int) -> Tensor:
    """Class probabilities, or `ValueError` if that is not what they are."""
    if probability.ndim != 2 or len(probability) != rows or not probability.is_floating_point():
        raise ValueError(
            f"the classifier must give class probabilities ({rows}, c) for data ({rows}, p), got "
            f"{probability.dtype} of shape {tuple(probability.shape)}."
        )
    if rows and not ((probability >= 0).all() and (probability.sum(1) - 1).abs().max() < 1e-3):
        raise ValueError(
            "the classifier must give probabilities, none negative and 1 in sum, got values from "
            f"{float(probability.min()):.3g} with sums up to {float(probability.sum(1).max()):.3g}:"
            " apply a softmax to logits."
        )
    return probability
