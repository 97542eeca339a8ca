"""The result of every way of getting from one code to another."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from geolatent.geodesics.cubic_interpolation import interpolate

_NAMED = 5  # failed curves that a printed path names


@final
@dataclass(frozen=True, repr=False)
class Path:
    """Curves between codes and what they measure in a metric; b curves at once.

    A length is that of an actual curve, so as a distance it is an upper bound.

    Attributes:
        points: codes along each curve at equal times, `(b, t, d)`, ends included.
        length: in the metric's units, `(b,)`.
        length_error: estimate of the error of `length` as the length of this curve, `(b,)`: what
            extrapolation and rounding leave. It says nothing of shorter curves elsewhere.
        energy: ∫ ‖γ'(t)‖² dt over unit time, `(b,)`; at least length², equal at constant speed.
        speed_variation: standard deviation of the speed over its mean along each curve, `(b,)`.
        straight_length: length of the straight line between the same codes, `(b,)`.
        converged: whether each curve met the solver's criterion, `(b,)`; true for curves that need
            no solver. A curve on which the metric is not finite has NaN measures and is not.
        iterations: evaluations of the energy that the solver spent, `(b,)`.
        refinement_change: relative change of √energy at the solver's last refinement of nodes,
            `(b,)`: how much the discretisation still matters; NaN if there was none.
    """

    points: Float[Tensor, "b t d"]
    length: Float[Tensor, "b"]
    length_error: Float[Tensor, "b"]
    energy: Float[Tensor, "b"]
    speed_variation: Float[Tensor, "b"]
    straight_length: Float[Tensor, "b"]
    converged: Bool[Tensor, "b"]
    iterations: Int[Tensor, "b"]
    refinement_change: Float[Tensor, "b"]

    @property
    def straight_excess(self) -> Float[Tensor, "b"]:
        """How much longer the straight line is: straight_length / length − 1.

        It is 0 between a code and itself, and NaN where a length is.
        """
        safe = self.length.where(self.length != 0, self.straight_length.new_ones(()))
        return ((self.straight_length - self.length) / safe).where(
            self.straight_length != self.length, self.length.new_zeros(())
        ) + 0 * self.length

    def __call__(
        self, t: Float[Tensor, "s"] | Float[np.ndarray, "s"] | Sequence[float] | float
    ) -> Float[Tensor, "b s d"] | Float[Tensor, "b d"]:
        """Codes at times t ∈ [0, 1] on the cubic spline through `points`.

        Args:
            t: times, `(s,)`, as a tensor, an array or a list; or one time.

        Returns:
            `(b, s, d)`, or `(b, d)` at one time.

        Raises:
            ValueError: the times have more than one dimension.
        """
        times = t if isinstance(t, Tensor) else torch.as_tensor(t, dtype=torch.float64)
        if times.ndim > 1:
            raise ValueError(f"times are one-dimensional, (s,), got {tuple(times.shape)}.")
        found = interpolate(self.points, times.reshape(-1))
        return found if times.ndim else found[:, 0]

    def __repr__(self) -> str:
        """What to look at first: how many, how long, how exact, and which failed why."""
        count, points, size = self.points.shape
        text = f"{count} curves of {points} points in {size} dimensions"
        if not count:
            return text
        text += f", {int(self.converged.sum())} converged"
        measured = ~self.length.isnan()
        if measured.any():
            text += self[measured]._summary()
        failed = (~self.converged).nonzero().squeeze(1).tolist()
        if failed:
            named = ", ".join(f"{i} ({self._reason(i)})" for i in failed[:_NAMED])
            more = f" and {len(failed) - _NAMED} more" if len(failed) > _NAMED else ""
            text += f"\n  not converged: {named}{more}"
        return text

    def _summary(self) -> str:
        """Of curves that could be measured."""
        length = self.length
        error = (self.length_error / torch.where(length > 0, length, 1)).max()
        excess = self.straight_excess
        text = (
            f"\n  length: median {length.median():.4g}, {length.min():.4g} to {length.max():.4g}, "
            f"relative error up to {error:.1g}\n  straight lines are longer: median "
            f"{excess.median():.2%}, up to {excess.max():.2%}"
        )
        solved = []
        change = self.refinement_change[self.refinement_change.isfinite()]
        if len(change):
            solved.append(f"last refinement: up to {change.max():.2%}")
        if self.iterations.any():
            most = int(self.iterations.max())
            solved.append(f"iterations: median {int(self.iterations.median())}, up to {most}")
        return f"{text}\n  {'; '.join(solved)}" if solved else text

    def _reason(self, row: int) -> str:
        if self.length[row].isnan():
            return "the metric is not finite on it"
        shorter = self.length[row] < self.straight_length[row]
        kept = "" if shorter else "nothing shorter than the straight line "
        return f"{kept}after {int(self.iterations[row])} iterations"

    def __len__(self) -> int:
        return self.points.shape[0]

    def __getitem__(self, rows: int | Int[Tensor, "s"] | Bool[Tensor, "b"] | slice) -> "Path":
        """Some of the curves, or the one of a number: b is 1 then."""
        if isinstance(rows, int):
            row = range(len(self))[rows]  # raises beyond the last one, which ends iterations
            rows = slice(row, row + 1)
        return Path(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})
