"""The energy of all the curves from the means of groups to their codes."""

from typing import NamedTuple, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from geolatent.geodesics.cubic_interpolation import refine, refinement_matrix
from geolatent.geodesics.curve_energy import CurveEnergy
from geolatent.geodesics.quasi_newton import CHORDS_PER_SEGMENT, coordinate_ridge
from geolatent.numerics.block_tridiagonal import BlockTridiagonalFactor
from geolatent.statistics.sample import Sample, group_sum


class Star(NamedTuple):
    """Numbers for every mean and for every interior node of the curves that leave it."""

    centre: Float[Tensor, "g d"]
    inner: Float[Tensor, "b i d"]


@final
class JointEnergy:
    r"""Fréchet's function with the geodesics written out, for several groups at once.

    .. math:: F(m, γ_1, …, γ_n) = \sum_i w_i\, E(γ_i), \qquad γ_i(0) = m, \; γ_i(1) = x_i

    Its minimum over the curves is the weighted sum of squared distances from m, its minimum over
    everything the Fréchet variance. Its Gauss-Newton matrix is an arrow: a block-tridiagonal
    matrix for each curve, and the mean that touches the first interior node of all.

    Args:
        energy: of curves.
        sample: where the curves end, with positive weights.
    """

    def __init__(self, energy: CurveEnergy, sample: Sample) -> None:
        self._energy = energy
        self.sample = sample

    def nodes(self, at: Star) -> Float[Tensor, "b t d"]:
        """The curves from mean to code."""
        sample = self.sample
        ends = (at.centre[sample.group].unsqueeze(1), at.inner, sample.points.unsqueeze(1))
        return torch.cat(ends, dim=1)

    def star(self, nodes: Float[Tensor, "b t d"], centre: Float[Tensor, "g d"]) -> Star:
        """The unknowns of given curves."""
        return Star(centre, nodes[:, 1:-1])

    def value_and_gradient(self, at: Star) -> tuple[Float[Tensor, "g"], Star]:
        """F of each group and its gradient."""
        sample, nodes = self.sample, self.nodes(at)
        segments = nodes.shape[1] - 1
        value, slope = self._energy.value_and_gradient(_rested(refine(nodes, CHORDS_PER_SEGMENT)))
        chords = segments * CHORDS_PER_SEGMENT
        scale = sample.weight * chords / (chords + 1)  # the rested chord counts as time, not energy
        spline = refinement_matrix(segments, CHORDS_PER_SEGMENT, like=nodes)[:-1, :-1]
        gradient = scale[:, None, None] * (spline.mT @ slope)
        return (
            group_sum(scale * value, sample.group, sample.count),
            Star(group_sum(gradient[:, 0], sample.group, sample.count), gradient[:, 1:]),
        )

    def inverse(self, at: Star) -> "ArrowInverse":
        """Of the Gauss-Newton matrix at these curves."""
        nodes = self.nodes(at)
        chords = nodes.shape[1] - 1
        diagonal, upper = self._energy.gauss_newton(_rested(nodes))
        scale = chords / (chords + 1)
        diagonal, upper = scale * diagonal, scale * upper
        # The mean has a chord on one side only.
        isotropic = diagonal.shape[-1] < nodes.shape[-1]
        first = -upper[:, 0] if isotropic else diagonal[:, 0] / 2
        return ArrowInverse(self.sample, first, upper[:, 0], diagonal[:, 1:], upper[:, 1:])

    def of_groups(self, kept: Bool[Tensor, "g"]) -> tuple["JointEnergy", Bool[Tensor, "b"]]:
        """The same for some of the groups, and which curves are theirs."""
        sample = self.sample
        rows = kept[sample.group]
        number = kept.cumsum(0) - 1
        rest = Sample(
            sample.points[rows],
            sample.weight[rows],
            number[sample.group[rows]],
            int(kept.sum()),
        )
        return JointEnergy(self._energy, rest), rows


@final
class ArrowInverse:
    r"""Solves the Gauss-Newton equations by eliminating each curve onto the mean.

    .. math::
        \begin{pmatrix} \sum_i w_i D_i & w_i U_i \\ w_i U_i^\top & w_i A_i \end{pmatrix}, \qquad
        S = \sum_i w_i (D_i - U_i A_i^{-1} U_i^\top)

    A_i is block tridiagonal; U_i, the coupling of the mean to the curve, has one block. What a
    curve leaves on the mean, S_i, is how stiff it is against a motion of its end.

    Args:
        sample: weights and groups of the curves.
        first: D, `(b, k, k)`.
        coupling: the block of U, `(b, k, k)`.
        diagonal: of A, `(b, i, k, k)`.
        upper: of A, `(b, i - 1, k, k)`. With k = 1 the blocks are multiples of the identity.
    """

    def __init__(
        self,
        sample: Sample,
        first: Float[Tensor, "b k k"],
        coupling: Float[Tensor, "b k k"],
        diagonal: Float[Tensor, "b i k k"],
        upper: Float[Tensor, "b j k k"],
    ) -> None:
        self._sample = sample
        ridge = coordinate_ridge(diagonal, chords=diagonal.shape[1])
        identity = torch.eye(diagonal.shape[-1], dtype=diagonal.dtype, device=diagonal.device)
        self._factor = BlockTridiagonalFactor(diagonal + ridge.unsqueeze(1), upper)
        right = diagonal.new_zeros(diagonal.shape)
        right[:, 0] = coupling.mT
        self._response = self._factor.solve(right)  # A⁻¹ Uᵀ, the curve's answer to its mean
        stiffness = first + ridge - coupling @ self._response[:, 0]
        stiffness = (stiffness + stiffness.mT) / 2
        whole = sample.total(stiffness)
        factor, info = torch.linalg.cholesky_ex(whole)
        self._root = torch.where((info == 0)[:, None, None], factor, identity)
        definite = self._factor.positive_definite
        failures = group_sum((~definite).to(whole), sample.group, sample.count)
        self.positive_definite: Bool[Tensor, "g"] = (info == 0) & (failures == 0)

    def solve(self, right: Star) -> Star:
        """The inverse applied to one vector of each group."""
        sample, size = self._sample, self._response.shape[-1]
        dim = right.centre.shape[-1]
        folded = right.inner.unflatten(2, (size, dim // size))  # (b, i, k, r)
        onto = torch.einsum("bikl,bikr->blr", self._response, folded)
        reduced = right.centre.unflatten(1, (size, dim // size)) - group_sum(
            onto, sample.group, sample.count
        )
        centre = torch.cholesky_solve(reduced, self._root)
        alone = self._factor.solve(folded / sample.weight[:, None, None, None])
        inner = alone - self._response @ centre[sample.group].unsqueeze(1)
        return Star(centre.flatten(1), inner.flatten(2))


def _rested(points: Float[Tensor, "b t d"]) -> Float[Tensor, "b s d"]:
    """The curves with their start twice: energies have gradients at interior points only."""
    return torch.cat([points[:, :1], points], dim=1)
