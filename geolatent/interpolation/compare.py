"""Comparing straight lines with geodesics."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from geolatent.geodesics.pairs import require_finite_rows, require_pairs
from geolatent.interpolation.affine_null import AffineModel
from geolatent.interpolation.comparison import Comparison
from geolatent.interpolation.interpolator import Interpolator
from geolatent.interpolation.nearest_data import NearestData
from geolatent.interpolation.neighbour_classifier import NeighbourClassifier
from geolatent.interpolation.path_rules import path_rules
from geolatent.interpolation.profiler import Profiler
from geolatent.latents import CodingModel, LatentModel, as_latent_model
from geolatent.metrics.require_codes import require_codes, require_floating


@torch.no_grad()
def compare(
    subject: LatentModel | nn.Module | Callable[[Tensor], Tensor],
    start: Float[Tensor, "b d"],
    end: Float[Tensor, "b d"],
    *,
    paths: Sequence[str] | Mapping[str, Interpolator] = ("linear", "geodesic"),
    data: Float[Tensor, "m *p"] | None = None,
    labels: Any = None,
    classifier: Callable[[Tensor], Tensor] | None = None,
    codes: Float[Tensor, "k d"] | None = None,
    null: bool = False,
    seed: int = 0,
) -> Comparison:
    """Join the same codes in several ways and measure what each does in data space.

    Everything is measured that the subject and the arguments allow; `Comparison.left_out` says what
    was not, and why.

    Args:
        subject: a model, or any decoder `(*b, d) -> (*b, ...)`, trained by anybody.
        start: codes, `(b, d)`.
        end: codes, `(b, d)`. Statistics over pairs take it that no code is in two of them
            (`random_pairs`). A pair that repeats another one is not measured again.
        paths: which ways, by their names: `"linear"` (straight in the codes), `"spherical"` (great
            circles around the origin), `"assumed"` (geodesics of the declared geometry),
            `"geodesic"` (geodesics of the induced one), `"density"` (the same with a price on
            leaving the data), `"graph"` (from code to neighbouring code); or rules with settings of
            your own by any names, `{"strong": DensityGeodesic(strength=5)}`.
        data: training data, `(m, p)` or in the decoder's own shape; with them, the distance of the
            decoded paths to their nearest training datum is measured.
        labels: classes of the data, numbers or names, m of them in a tensor, an array or a list;
            with them, the class probability along the paths is the share of each class among the
            ten nearest data.
        classifier: from data `(k, p)` to class probabilities `(k, c)`, instead of the neighbours.
        codes: of the training data, for the paths that go where data are; encoded from `data` if
            not given, where the model has an encoder.
        null: measure the paths under the affine decoder nearest to the subject's as well, where
            nothing bends.
        seed: of the draws of evidence bounds.

    Returns:
        The paths and their measures.

    Raises:
        ValueError: a path's name is unknown, shapes do not fit together, codes or data are not
            finite, labels are missing, or the decoder has no geometry: it fails on the codes,
            depends on chance or carries no gradient.
        TypeError: the subject is neither a model nor callable, or codes or data are no tensors.
    """
    rules = path_rules(paths)
    require_pairs(start, end)
    if data is not None:
        data = _usable(data, start)
    elif labels is not None:
        raise ValueError("labels are those of data: pass data= too, or a classifier=.")
    if codes is not None:
        require_finite_rows("codes", codes)
    model = as_latent_model(subject)
    require_codes(model.induced_metric(), start)
    ends = [model.decode(z) for z in (start, end)]
    if data is not None and ends[0].shape[-1] != data.shape[-1]:
        raise ValueError(
            f"the decoder gives {ends[0].shape[-1]} features but the data have "
            f"{data.shape[-1]}; pass the data it was trained on, flattened to (m, p)."
        )
    if codes is None and data is not None and isinstance(model, CodingModel):
        codes = model.encode(data)
    found = {name: rule(model, start, end, codes=codes) for name, rule in rules.items()}
    near = None if data is None else NearestData(data)
    if classifier is None and near is not None and labels is not None:
        classifier = NeighbourClassifier(near, labels)
    profiler = Profiler(model, data=near, classifier=classifier, seed=seed)
    apart = (ends[0] - ends[1]).square().mean(-1).sqrt()
    profiles = {name: profiler(path) for name, path in found.items()}
    left_out = dict(profiler.left_out)
    spacing = None if near is None else near.spacing
    ends_apart = float(apart.nanmedian()) if len(apart) else None
    if spacing == 0:
        left_out["distance to data"] = (
            "most data have a copy among them, and the distance between neighbours, which is its "
            "unit, is 0"
        )
    if ends_apart == 0:
        for measure in ("second differences", "cycle error"):
            left_out.setdefault(
                measure,
                "the decoder gives the same at both ends of most pairs, and their distance, which "
                "is its unit, is 0",
            )
    repeats, shared = _repeats(start, end)
    comparison = Comparison(
        paths=found,
        profiles=profiles,
        data_spacing=spacing,
        ends_apart=ends_apart,
        left_out=left_out,
        repeats=repeats,
        shared_codes=shared,
    )
    return _with_null(comparison, model, start, end, rules, codes) if null else comparison


def _with_null(
    comparison: Comparison,
    model: LatentModel,
    start: Tensor,
    end: Tensor,
    rules: Mapping[str, Interpolator],
    codes: Tensor | None,
) -> Comparison:
    """The comparison with the same one on an affine decoder, or the reason why there is none."""
    try:
        flat = AffineModel(model, torch.cat([start, end]) if codes is None else codes)
    except ValueError as error:
        return replace(comparison, left_out={**comparison.left_out, "affine null": str(error)})
    return replace(comparison, null=compare(flat, start, end, paths=rules, codes=codes))


def _repeats(start: Tensor, end: Tensor) -> tuple[Bool[Tensor, "b"], int]:
    """Which pairs are earlier ones again, either way round; how many codes are in several."""
    seen: set[frozenset[tuple[float, ...]]] = set()
    uses: Counter[tuple[float, ...]] = Counter()
    repeats = []
    for one, other in zip(start.tolist(), end.tolist(), strict=True):
        pair = frozenset((tuple(one), tuple(other)))
        repeats.append(pair in seen)
        if pair not in seen:
            uses.update(pair)
        seen.add(pair)
    shared = sum(count > 1 for count in uses.values())
    return torch.tensor(repeats, dtype=torch.bool, device=start.device), shared


def _usable(data: Tensor, codes: Tensor) -> Tensor:
    """The data as rows, or `ValueError` if distances to them would mean nothing."""
    require_floating("data", data)
    rows = data.flatten(1)
    if len(rows) < 2 or not rows.isfinite().all():
        raise ValueError(
            f"data must be at least two rows of finite numbers, got shape {tuple(data.shape)} with "
            f"{int((~rows.isfinite()).sum())} entries that are NaN or infinite."
        )
    if rows.dtype != codes.dtype or rows.device != codes.device:
        raise ValueError(
            f"data are {rows.dtype} on {rows.device} but codes are {codes.dtype} on "
            f"{codes.device}; convert one of them."
        )
    return rows
