"""Units in which codes and lengths are of order one: squares neither vanish nor overflow."""

from dataclasses import dataclass, replace
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from geolatent.geodesics.path import Path
from geolatent.metrics import ImmersedMetric, Metric
from geolatent.metrics.in_chunks import in_chunks

_USUAL = 8  # binary orders of magnitude either way that need no care


@final
@dataclass(frozen=True)
class NaturalUnits:
    """Powers of two, by which multiplying and dividing is exact.

    Attributes:
        codes: of each coordinate, `(d,)`; none where the usual ones do.
        data: of lengths.
    """

    codes: Float[Tensor, "d"] | None
    data: float

    def metric(self, metric: Metric) -> Metric:
        """The same geometry on codes in these units, measured in these units."""
        if self.codes is None:
            return metric
        if isinstance(metric, ImmersedMetric):
            return _Immersed(metric, self.codes, self.data)
        return _Given(metric, self.codes, self.data)

    def of_codes(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"]:
        """Codes in these units."""
        return z if self.codes is None else z / self.codes

    def to_codes(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"]:
        """Codes in these units in the original ones."""
        return z if self.codes is None else z * self.codes

    def undone(self, path: Path) -> Path:
        """A path of these units in the original ones."""
        if self.codes is None:
            return path
        return replace(
            path,
            points=self.to_codes(path.points),
            length=path.length * self.data,
            length_error=path.length_error * self.data,
            straight_length=path.straight_length * self.data,
            energy=path.energy * self.data * self.data,
        )


@torch.no_grad()
def natural_units(metric: Metric, curves: Float[Tensor, "b t d"]) -> NaturalUnits:
    """Units for curves: what their codes, and the data at their ends and middles, extend to.

    Args:
        metric: in which they are measured.
        curves: codes along them, at least two each.
    """
    usual = NaturalUnits(None, 1.0)
    if not curves.numel():
        return usual
    span = _finite((curves - curves[:, :1]).abs()).amax((0, 1))
    codes = _power_of_two(torch.where(span > 0, span, span.amax()))
    start, middle, end = (curves[:, i].contiguous() for i in (0, curves.shape[1] // 2, -1))
    if isinstance(metric, ImmersedMetric):
        immersion = metric.immersion

        def reach(middle: Tensor, start: Tensor, end: Tensor) -> tuple[Tensor]:
            there = immersion(middle)
            return (torch.maximum(*((there - immersion(z)).abs().amax(-1) for z in (start, end))),)
    else:

        def reach(middle: Tensor, start: Tensor, end: Tensor) -> tuple[Tensor]:
            step = (end - start) / codes
            matrix = metric.matrix(middle) * codes * codes.unsqueeze(-1)
            return (matrix.abs().amax((-1, -2)).sqrt() * step.abs().amax(-1),)

    (reached,) = in_chunks(metric, reach, middle, start, end)
    data = _power_of_two(_finite(reached).amax())
    exponents = torch.cat([codes, data[None]]).log2()
    if bool((exponents.abs() <= _USUAL).all()):
        return usual
    return NaturalUnits(codes, float(data))


def _finite(values: Tensor) -> Tensor:
    return values.nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)


def _power_of_two(values: Tensor) -> Tensor:
    """Of the same order; 1 for 0."""
    mantissa, exponent = torch.frexp(torch.where(values > 0, values, 1))
    return torch.ldexp(torch.ones_like(mantissa), exponent)


@final
class _Immersed(ImmersedMetric):
    def __init__(self, metric: ImmersedMetric, codes: Tensor, data: float) -> None:
        self._metric, self._codes, self._data = metric, codes, data

    @override
    def immersion(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b p"]:
        return self._metric.immersion(z * self._codes) / self._data

    @override
    def jacobian(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b p d"]:
        # The codes' unit over the data's, either of which may be out of range by itself.
        return self._metric.jacobian(z * self._codes) / self._data * self._codes

    @override
    def matrix(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d d"]:
        jacobian = self.jacobian(z)
        return jacobian.mT @ jacobian


@final
class _Given(Metric):
    def __init__(self, metric: Metric, codes: Tensor, data: float) -> None:
        self._metric, self._codes, self._data = metric, codes, data

    @override
    def matrix(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d d"]:
        scale = self._codes / self._data
        return self._metric.matrix(z * self._codes) * scale * scale.unsqueeze(-1)
