"""Comparing straight lines with geodesics."""

from collections.abc import Callable, Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from geolatent.geodesics import Path
from geolatent.geodesics.pairs import require_pairs
from geolatent.interpolation.comparison import Comparison, Profile
from geolatent.interpolation.interpolator import Interpolator
from geolatent.interpolation.path_rules import path_rules
from geolatent.latents import CodingModel, LatentModel, UncertainModel, as_latent_model

_DISTANCES_AT_ONCE = 2**24


@torch.no_grad()
def compare(
    subject: LatentModel | nn.Module | Callable[[Tensor], Tensor],
    start: Float[Tensor, "b d"],
    end: Float[Tensor, "b d"],
    *,
    paths: Sequence[str] | Mapping[str, Interpolator] = ("linear", "geodesic"),
    data: Float[Tensor, "m *p"] | None = None,
    codes: Float[Tensor, "k d"] | None = None,
) -> Comparison:
    """Join the same codes in several ways and measure what each does in data space.

    Args:
        subject: a model, or any decoder `(*b, d) -> (*b, ...)`, trained by anybody.
        start: codes, `(b, d)`.
        end: codes, `(b, d)`.
        paths: which ways, by their names: `"linear"` (straight in the codes), `"spherical"` (great
            circles around the origin), `"assumed"` (geodesics of the declared geometry),
            `"geodesic"` (geodesics of the induced one), `"density"` (the same with a price on
            leaving the data), `"graph"` (from code to neighbouring code); or rules with settings of
            your own by any names, `{"strong": DensityGeodesic(strength=5)}`.
        data: training data, `(m, p)` or in the decoder's own shape; with them, the distance of the
            decoded paths to their nearest training datum is measured.
        codes: of the training data, for the paths that go where data are; encoded from `data` if
            not given, where the model has an encoder.

    Returns:
        The paths and their measures.

    Raises:
        ValueError: a path's name is unknown, or shapes do not fit together.
        TypeError: the subject is neither a model nor callable.
    """
    rules = path_rules(paths)
    require_pairs(start, end)
    if data is not None:
        data = _usable(data, start)
    model = as_latent_model(subject)
    if codes is None and data is not None and isinstance(model, CodingModel):
        codes = model.encode(data)
    found = {name: rule(model, start, end, codes=codes) for name, rule in rules.items()}
    return Comparison(
        paths=found,
        profiles={name: _profile(model, path, data) for name, path in found.items()},
        data_spacing=None if data is None else _spacing(data),
    )


def _profile(model: LatentModel, path: Path, data: Tensor | None) -> Profile:
    distance = uncertainty = None
    if data is not None:
        decoded = model.decode(path.points)
        if decoded.shape[-1] != data.shape[-1]:
            raise ValueError(
                f"the decoder gives {decoded.shape[-1]} features but the data have "
                f"{data.shape[-1]}; pass the data it was trained on, flattened to (m, p)."
            )
        distance = nearest_distance(decoded.flatten(0, 1), data).unflatten(0, decoded.shape[:2])
    if isinstance(model, UncertainModel):
        uncertainty = model.uncertainty(path.points)
    return Profile(distance_to_data=distance, uncertainty=uncertainty)


def nearest_distance(
    x: Float[Tensor, "k p"], data: Float[Tensor, "m p"], *, rank: int = 1
) -> Float[Tensor, "k"]:
    """Root mean square difference over features from each x to its `rank`-th nearest datum."""
    rows = max(1, _DISTANCES_AT_ONCE // max(1, len(data)))
    nearest = []
    for part in x.split(rows):
        # Not by way of matrix products, which cancel where data are large beside their spread.
        table = torch.cdist(part, data, compute_mode="donot_use_mm_for_euclid_dist")
        nearest.append(table.kthvalue(rank, dim=1).values)
    return torch.cat(nearest) / x.shape[-1] ** 0.5


def _usable(data: Tensor, codes: Tensor) -> Tensor:
    """The data as rows, or `ValueError` if distances to them would mean nothing."""
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


def _spacing(data: Float[Tensor, "m p"]) -> float:
    # Rank 2: the nearest datum to a datum is itself. A sample is enough for a median.
    sample = data[torch.linspace(0, len(data) - 1, min(len(data), 1000)).long()]
    return float(nearest_distance(sample, data, rank=2).median())
