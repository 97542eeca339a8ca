"""The discrete energy of curves, for metrics given by an immersion or by a matrix."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from geolatent.metrics import ImmersedMetric, Metric
from geolatent.numerics.held_numbers import HELD_AT_ONCE, HeldNumbers, held_numbers

VALUES_AT_ONCE = 2**20
"""Numbers that a decoder emits in one call: enough for its kernels, few enough for caches."""

_MOST_COLUMNS = 128
"""Dimensions up to which Jacobians pay. At 80 they take half the time of a solve without, which in
float64 does not even converge; at 256 a factor costs more than it saves."""

_MOST_CODES = 2**14  # in one call, however few numbers the decoder emits for each


Chords = tuple[Float[Tensor, "b _"], ...]


class CurveEnergy(ABC):
    """Energy over unit time of curves given by points at equal times."""

    @abstractmethod
    def chords(self, points: Float[Tensor, "b t d"], *, steps: Sequence[int] = (1, 2)) -> Chords:
        """Squared lengths of the chords between every `step`-th point, for each step."""

    @abstractmethod
    def value_and_gradient(
        self, points: Float[Tensor, "b t d"]
    ) -> tuple[Float[Tensor, "b"], Float[Tensor, "b i d"]]:
        """Energy of each curve and its gradient at the interior points."""

    @abstractmethod
    def gauss_newton(
        self, points: Float[Tensor, "b t d"]
    ) -> tuple[Float[Tensor, "b i k k"], Float[Tensor, "b j k k"]]:
        """Diagonal and upper blocks of the energy's Gauss-Newton matrix over interior points.

        With k = 1 the blocks are multiples of the identity.
        """


def curve_energy(metric: Metric) -> CurveEnergy:
    """The energy that suits the metric."""
    if isinstance(metric, ImmersedMetric):
        return ImmersionEnergy(metric)
    return MatrixEnergy(metric)


@final
class ImmersionEnergy(CurveEnergy):
    r"""E = T Σ ‖φ(z_{i+1}) − φ(z_i)‖²: no Jacobian, one backward pass for the gradient.

    Its Gauss-Newton matrix is 2T times the block-tridiagonal matrix with blocks 2 J_iᵀJ_i on the
    diagonal and −J_iᵀJ_{i+1} beside it.
    """

    def __init__(self, metric: ImmersedMetric) -> None:
        self._metric = metric
        self._held: HeldNumbers | None = None  # once there is a code to measure it at

    def _pieces(self, points: Tensor, *, columns: int = 0) -> tuple[Tensor, ...]:
        """Curves to push together: for gradients, or for Jacobians of so many columns."""
        if not len(points):
            return (points,)
        if self._held is None:
            self._held = held_numbers(self._metric.immersion, points[0, 0])
        output, graph, widest = self._held
        held = graph if not columns else (columns + 1) * widest
        return points.split(_curves_at_once(points.shape[1], (columns + 1) * output, held))

    @override
    def chords(self, points: Float[Tensor, "b t d"], *, steps: Sequence[int] = (1, 2)) -> Chords:
        found: list[list[Tensor]] = [[] for _ in steps]
        for piece in self._pieces(points):
            image = self._metric.immersion(piece)
            for squares, step in zip(found, steps, strict=True):
                chord = torch.linalg.vector_norm(image[:, ::step].diff(dim=1), dim=-1)
                # Equal codes in different rows of a batch may decode to values that differ by
                # rounding: their chord is zero, or NaN where the decoder is.
                moved = (piece[:, ::step].diff(dim=1) != 0).any(-1)
                squares.append(chord.square() * moved)
        return tuple(map(torch.cat, found))

    @override
    def value_and_gradient(
        self, points: Float[Tensor, "b t d"]
    ) -> tuple[Float[Tensor, "b"], Float[Tensor, "b i d"]]:
        segments = points.shape[1] - 1
        values, gradients = [], []
        for piece in self._pieces(points):
            with torch.enable_grad():
                leaf = piece.detach().requires_grad_()
                image = self._metric.immersion(leaf)
            if not image.requires_grad and (image != image[:1, :1]).any():
                raise ValueError(
                    "the decoder's output carries no gradient (it detaches, computes outside of "
                    "torch, or all this runs under torch.inference_mode), so its geodesics cannot "
                    "be found; let gradients pass."
                )
            chord = image.detach().diff(dim=1)
            values.append(segments * torch.linalg.vector_norm(chord, dim=(1, 2)).square())
            pull = torch.zeros_like(image)
            torch.sub(chord[:, :-1], chord[:, 1:], out=pull[:, 1:-1])
            gradients.append(2 * segments * _gradient(image, leaf, pull)[:, 1:-1])
        return torch.cat(values), torch.cat(gradients)

    @override
    def gauss_newton(
        self, points: Float[Tensor, "b t d"]
    ) -> tuple[Float[Tensor, "b i k k"], Float[Tensor, "b j k k"]]:
        if points.shape[2] > _MOST_COLUMNS:
            return self._isotropic(points)
        segments = points.shape[1] - 1
        inner = points[:, 1:-1]
        diagonals, uppers = [], []
        for piece in self._pieces(inner, columns=inner.shape[2]):
            jacobian = self._metric.jacobian(piece)
            gram = jacobian.mT @ jacobian
            diagonals.append(gram)
            # Neighbours in one row of all nodes: slices stay contiguous, the products that reach
            # from one curve into the next are dropped.
            row = jacobian.flatten(0, 1)
            beside = torch.zeros_like(gram)
            torch.matmul(row[:-1].mT, row[1:], out=beside.flatten(0, 1)[:-1])
            uppers.append(beside[:, :-1])
        return 4 * segments * torch.cat(diagonals), -2 * segments * torch.cat(uppers)

    def _isotropic(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """The matrix that stretches every direction as each chord is stretched."""
        segments = points.shape[1] - 1
        (chord,) = self.chords(points, steps=(1,))
        step = points.diff(dim=1).square().sum(2)
        stretch = chord / torch.where(step > 0, step, 1)
        # A chord that the decoder folds up must not leave its codes without any stiffness.
        stretch = torch.maximum(stretch, 1e-2 * stretch.mean(1, keepdim=True))
        stretch = 2 * segments * stretch[:, :, None, None]
        return stretch[:, :-1] + stretch[:, 1:], -stretch[:, 1:-1]


@final
class MatrixEnergy(CurveEnergy):
    r"""E = T Σ Δz_iᵀ G(z̄_i) Δz_i with G at the chords' midpoints.

    The Gauss-Newton matrix keeps G fixed: blocks 2T (G_{i−½} + G_{i+½}) on the diagonal and
    −2T G_{i+½} beside it.
    """

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._held: HeldNumbers | None = None

    def _pieces(self, points: Tensor) -> tuple[Tensor, ...]:
        if not len(points):
            return (points,)
        if self._held is None:
            self._held = held_numbers(self._metric.matrix, points[0, 0])
        return points.split(_curves_at_once(points.shape[1], self._held.output, self._held.graph))

    def _squares(self, points: Float[Tensor, "b t d"]) -> Float[Tensor, "b s"]:
        step = points.diff(dim=1)
        middle = (points[:, 1:] + points[:, :-1]) / 2
        return torch.einsum("bsi,bsij,bsj->bs", step, self._metric.matrix(middle), step)

    @override
    def chords(self, points: Float[Tensor, "b t d"], *, steps: Sequence[int] = (1, 2)) -> Chords:
        pieces = self._pieces(points)
        return tuple(torch.cat([self._squares(p[:, ::step]) for p in pieces]) for step in steps)

    @override
    def value_and_gradient(
        self, points: Float[Tensor, "b t d"]
    ) -> tuple[Float[Tensor, "b"], Float[Tensor, "b i d"]]:
        segments = points.shape[1] - 1
        values, gradients = [], []
        for piece in self._pieces(points):
            with torch.enable_grad():
                leaf = piece.detach().requires_grad_()
                energy = segments * self._squares(leaf).sum(1)
            values.append(energy.detach())
            gradients.append(_gradient(energy, leaf, torch.ones_like(energy))[:, 1:-1])
        return torch.cat(values), torch.cat(gradients)

    @override
    def gauss_newton(
        self, points: Float[Tensor, "b t d"]
    ) -> tuple[Float[Tensor, "b i k k"], Float[Tensor, "b j k k"]]:
        segments = points.shape[1] - 1
        middle = (points[:, 1:] + points[:, :-1]) / 2
        pieces = self._pieces(middle)
        matrix = 2 * segments * torch.cat([self._metric.matrix(piece) for piece in pieces])
        return matrix[:, :-1] + matrix[:, 1:], -matrix[:, 1:-1]


def _gradient(value: Tensor, leaf: Tensor, weight: Tensor) -> Tensor:
    if not value.requires_grad:  # a decoder that ignores its codes
        return torch.zeros_like(leaf)
    return torch.autograd.grad(value, leaf, weight)[0]


def _curves_at_once(points: int, values: int, held: int) -> int:
    codes = min(_MOST_CODES, VALUES_AT_ONCE // max(1, values), HELD_AT_ONCE // max(1, held))
    return max(1, codes // max(1, points))
