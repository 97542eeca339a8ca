"""An affine change of units of the data, and the way back."""

from dataclasses import dataclass
from typing import Literal, get_args

from jaxtyping import Float
from torch import Tensor, ones, where, zeros

ScalingKind = Literal["none", "minmax", "standardise"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Scaling:
    r"""The map :math:`x \mapsto (x - \mathrm{offset}) / \mathrm{scale}`.

    Args:
        kind: how offset and scale were found.
        offset: shape (p,), or (1,) if it is the same for all features.
        scale: positive, of the shape of offset.
    """

    kind: ScalingKind
    offset: Float[Tensor, " q"]
    scale: Float[Tensor, " q"]

    def forward(self, x: Float[Tensor, "*b p"]) -> Float[Tensor, "*b p"]:
        """Scale data; a new tensor, unless the kind is 'none'."""
        if self.kind == "none":
            return x
        return (x - self.offset.to(x)) / self.scale.to(x)

    def inverse(self, y: Float[Tensor, "*b p"]) -> Float[Tensor, "*b p"]:
        """Bring scaled data back to their own units."""
        if self.kind == "none":
            return y
        return y * self.scale.to(y) + self.offset.to(y)


def fit_scaling(kind: ScalingKind, train: Float[Tensor, "n p"], *, shared: bool) -> Scaling:
    """Find a scaling from the training part alone.

    Args:
        kind: 'none'; 'minmax' brings the training part to [0, 1]; 'standardise' to mean 0 and
            standard deviation 1.
        train: the training part, shape (n, p).
        shared: one offset and scale for all features (images, whose pixels share a unit), or each
            feature its own. A feature without variation keeps the scale 1.

    Returns:
        The scaling, in float64.

    Raises:
        ValueError: the kind is unknown.
    """
    if kind not in get_args(ScalingKind):
        raise ValueError(f"scaling={kind!r} is unknown: choose one of {get_args(ScalingKind)}.")
    values = train.double()
    values = values.reshape(-1, 1) if shared else values
    offset, scale = zeros(1).to(values), ones(1).to(values)
    if kind != "none":
        low, high = values.amin(0), values.amax(0)
        offset = low if kind == "minmax" else values.mean(0)
        spread = high - low if kind == "minmax" else values.std(0, correction=0)
        # The range decides, not the deviation: that of a constant is rounding error and not zero.
        scale = where(high > low, spread, ones(1).to(values))
    return Scaling(kind=kind, offset=offset, scale=scale)
