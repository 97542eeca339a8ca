"""Batched minimisation of curve energies, each curve on its own."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from geolatent.geodesics.cubic_interpolation import refine, refinement_matrix
from geolatent.geodesics.curve_energy import CurveEnergy
from geolatent.numerics.block_tridiagonal import BlockTridiagonalFactor

CHORDS_PER_SEGMENT = 2
"""With one chord for a segment, coarse curves tunnel through curvature between their nodes."""

_PAIRS = 8  # remembered steps: beyond, the gain per iteration no longer pays for the products
_REFRESH = 8  # iterations between Gauss-Newton factors; the remembered steps carry over
_RIDGE = 1e-3  # of a coordinate's mean diagonal, over the segments: for rank-deficient blocks
_CROWDED = 0.9  # share of active curves below which the others are dropped: a copy of everything
_NEGLIGIBLE = 2e-3  # of the tolerance: beyond, gradients of a length notice
_ARMIJO = 1e-4
_SHORTEST_STEP = 1e-4


class Minimum(NamedTuple):
    """Nodes of minimal energy, the energy there, and how each curve got to it."""

    nodes: Float[Tensor, "b t d"]
    energy: Float[Tensor, "b"]
    converged: Bool[Tensor, "b"]
    iterations: Int[Tensor, "b"]


def minimise(
    energy: CurveEnergy, nodes: Float[Tensor, "b t d"], *, tolerance: float, max_iterations: int
) -> Minimum:
    r"""Minimise the energy of the splines through the nodes, with the ends held fixed.

    L-BFGS whose initial matrix is the block-tridiagonal Gauss-Newton matrix of the energy:

    .. math:: H = H_0 + [S, H_0 Y]
        \begin{pmatrix} R^{-\top}(D + Y^\top H_0 Y)R^{-1} & -R^{-\top} \\ -R^{-1} & 0 \end{pmatrix}
        [S, H_0 Y]^\top

    Every curve has its own step length, its own memory and its own end: a curve that has converged
    is frozen at once, so that its result does not depend on the others of the batch.

    Args:
        energy: what to minimise.
        nodes: initial curves, `(b, t, d)`, `t` at least 3.
        tolerance: a curve has converged when a step lowers its energy by less than this fraction
            twice in a row, or is predicted to lower it by less than 0.002 of it.
        max_iterations: evaluations of the energy for one curve.

    Returns:
        The minima. A curve whose energy is not finite at the start is returned as it came.

    References:
        Byrd, R. H., Nocedal, J., Schnabel, R. B. (1994). Representations of quasi-Newton matrices
        and their use in limited memory methods. Math. Program. 63.
    """
    batch, count, _ = nodes.shape
    inner = refinement_matrix(count - 1, CHORDS_PER_SEGMENT, like=nodes)[1:-1, 1:-1]

    def evaluate(curves: Tensor) -> tuple[Tensor, Tensor]:
        value, gradient = energy.value_and_gradient(refine(curves, CHORDS_PER_SEGMENT))
        return value, inner.mT @ gradient

    result = nodes.clone()
    value, gradient = evaluate(nodes)
    final_value = value.clone()
    converged = (nodes == nodes[:, :1]).all(2).all(1) & value.isfinite()  # from a code to itself
    iterations = torch.ones(batch, dtype=torch.long, device=nodes.device)
    finite = value.isfinite() & gradient.isfinite().all(2).all(1)
    row = (finite & ~converged).nonzero().squeeze(1)
    state = _State.start(energy, row, nodes[row], value[row], gradient[row])

    # The energy is a sum of some hundred squares: its rounding error is a few units in the last
    # place, and a decrease below that is none.
    noise = 3 * torch.finfo(nodes.dtype).eps
    # Codes far from the origin round their own steps: by this much, relative to a chord.
    chord = nodes.diff(dim=1).norm(dim=2).mean(1) / CHORDS_PER_SEGMENT
    tiny = torch.finfo(nodes.dtype).tiny
    blur = noise * nodes.abs().amax((1, 2)) / chord.clamp_min(tiny)

    def record(ended: Tensor) -> None:
        where = state.row[ended]
        result[where], final_value[where] = state.nodes[ended], state.value[ended]
        converged[where], iterations[where] = state.at_minimum[ended], evaluations

    for evaluations in range(1, max_iterations + 1):
        # A step that would lower the energy by next to nothing is not worth an evaluation.
        nothing = (-state.slope <= _NEGLIGIBLE * tolerance * state.value) & ~state.backtracking
        state.at_minimum |= nothing
        state.stopped |= nothing
        record(state.active & state.stopped)
        state.active &= ~state.stopped
        left = int(state.active.sum())
        if not left or evaluations == max_iterations:
            break
        if left < _CROWDED * len(state.active):
            state.keep(state.active)

        trial_nodes = state.nodes.clone()
        step = state.step_length[:, None, None] * state.direction
        trial_nodes[:, 1:-1] += step
        trial_value, trial_gradient = evaluate(trial_nodes)
        decrease = state.value - trial_value
        expected = -state.slope * state.step_length
        finite = trial_value.isfinite() & trial_gradient.isfinite().all(2).all(1)
        accepted = finite & (decrease >= _ARMIJO * expected - noise * state.value)

        relative, uncertain = decrease / state.value.clamp_min(tiny), blur[state.row]
        small = accepted & (relative < tolerance + uncertain)
        settled = small & state.was_small
        exhausted = ~accepted & (state.step_length < _SHORTEST_STEP)
        # No step decreases the energy, and none was predicted to by more than rounding allows.
        at_rounding = exhausted & (-state.slope <= (1e3 * noise + uncertain) * state.value)
        state.stopped, state.at_minimum = settled | exhausted, settled | at_rounding
        state.was_small = torch.where(accepted, small, state.was_small)
        state.advance(step, accepted, trial_nodes, trial_value, trial_gradient, decrease)
        if evaluations % _REFRESH == 0:
            state.refresh(energy)
        state.aim()
    record(state.active)
    return Minimum(result, final_value, converged, iterations)


def coordinate_ridge(diagonal: Float[Tensor, "b i k k"], *, chords: int) -> Float[Tensor, "b k k"]:
    """What keeps rank-deficient blocks solvable: each coordinate in its own unit.

    So the units of the codes do not matter.
    """
    mean = diagonal.diagonal(dim1=-2, dim2=-1).mean(-2)
    overall = mean.mean(-1, keepdim=True)
    overall = torch.where(overall > 0, overall, 1)  # a constant decoder: any step will do
    return (_RIDGE / chords * torch.where(mean > 0, mean, overall)).diag_embed()


def shorter_step(
    step: Float[Tensor, "b"], slope: Float[Tensor, "b"], decrease: Float[Tensor, "b"]
) -> Float[Tensor, "b"]:
    """Minimum of the parabola through value, slope and failed trial, kept within bounds."""
    excess = -decrease - slope * step
    parabola = (-slope * step.square() / (2 * excess)).nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)
    return torch.minimum(torch.maximum(parabola, 0.1 * step), 0.5 * step)


class _State:
    """What the minimisation knows of each curve that it has not dropped yet."""

    row: Tensor  # (b,): which curve of the whole batch it is
    active: Tensor  # whether it is still being bent; the others wait to be dropped together
    stopped: Tensor
    at_minimum: Tensor
    nodes: Tensor  # (b, t, d)
    value: Tensor  # (b,)
    gradient: Tensor  # (b, i, d)
    scaled_gradient: Tensor  # H0 times the gradient
    direction: Tensor  # (b, i, d)
    slope: Tensor  # derivative of the energy along the direction, negative
    step_length: Tensor
    was_small: Tensor  # whether the last accepted step decreased the energy by too little
    steps: Tensor  # S, (b, m, i d), each pair scaled so that s · y = 1
    changes: Tensor  # Y
    scaled_changes: Tensor  # H0 Y
    valid: Tensor  # (b, m): whether a pair holds anything
    factor: BlockTridiagonalFactor
    backtracking: Tensor

    @classmethod
    def start(
        cls, energy: CurveEnergy, row: Tensor, nodes: Tensor, value: Tensor, gradient: Tensor
    ) -> "_State":
        state = cls()
        state.row, state.active = row, torch.ones_like(row, dtype=torch.bool)
        state.stopped, state.at_minimum = ~state.active, ~state.active
        state.nodes, state.value, state.gradient = nodes, value, gradient
        batch, size = gradient.shape[0], gradient.shape[1] * gradient.shape[2]
        empty = gradient.new_zeros(batch, 0, size)
        state.steps = state.changes = state.scaled_changes = empty
        state.valid = torch.zeros(batch, 0, dtype=torch.bool, device=nodes.device)
        state.was_small = torch.zeros(batch, dtype=torch.bool, device=nodes.device)
        state.backtracking = state.was_small.clone()
        state.step_length = torch.ones_like(value)
        state.direction, state.slope = torch.zeros_like(gradient), torch.zeros_like(value)
        if batch:
            state.refresh(energy)
            state.aim()
        return state

    def refresh(self, energy: CurveEnergy) -> None:
        """Factorise the Gauss-Newton matrix where the curves are now."""
        diagonal, upper = energy.gauss_newton(self.nodes)
        ridge = coordinate_ridge(diagonal, chords=self.nodes.shape[1] - 1)
        self.factor = BlockTridiagonalFactor(diagonal + ridge.unsqueeze(1), upper)
        vectors = torch.cat([self.gradient.flatten(1).unsqueeze(1), self.changes], dim=1)
        scaled = self._apply_inverse(vectors)
        self.scaled_gradient, self.scaled_changes = scaled[:, 0], scaled[:, 1:]

    def _apply_inverse(self, vectors: Float[Tensor, "b m k"]) -> Float[Tensor, "b m k"]:
        inner, dim = self.gradient.shape[1:]
        right = vectors.unflatten(2, (inner, dim)).movedim(1, -1)  # (b, i, d, m)
        # With blocks of one number all coordinates are right-hand sides of one system.
        folded = right.reshape(len(right), inner, self.factor.block_size, -1)
        return self.factor.solve(folded).view_as(right).movedim(-1, 1).flatten(2)

    def advance(
        self,
        step: Tensor,
        accepted: Tensor,
        nodes: Tensor,
        value: Tensor,
        gradient: Tensor,
        decrease: Tensor,
    ) -> None:
        """Take the accepted steps, remember them, and shorten the others."""
        safe_gradient = torch.where(accepted[:, None, None], gradient, self.gradient)
        scaled = self._apply_inverse(safe_gradient.flatten(1).unsqueeze(1))[:, 0]
        s, y = step.flatten(1), (safe_gradient - self.gradient).flatten(1)
        h = scaled - self.scaled_gradient
        product = (s * y).sum(1)
        # Positive curvature along the step, beyond what rounding of the product could pretend.
        usable = accepted & (product > 1e-8 * s.norm(dim=1) * y.norm(dim=1))
        weight = torch.where(usable, product, 1).rsqrt() * usable
        pair = [(weight[:, None] * vector).unsqueeze(1) for vector in (s, y, h)]
        first = max(0, self.valid.shape[1] + 1 - _PAIRS)
        self.steps = torch.cat([self.steps[:, first:], pair[0]], dim=1)
        self.changes = torch.cat([self.changes[:, first:], pair[1]], dim=1)
        self.scaled_changes = torch.cat([self.scaled_changes[:, first:], pair[2]], dim=1)
        self.valid = torch.cat([self.valid[:, first:], usable.unsqueeze(1)], dim=1)

        shorter = shorter_step(self.step_length, self.slope, decrease)
        self.step_length = torch.where(accepted, 1, shorter)
        self.backtracking = ~accepted

        self.nodes = torch.where(accepted[:, None, None], nodes, self.nodes)
        self.value = torch.where(accepted, value, self.value)
        self.gradient, self.scaled_gradient = safe_gradient, scaled

    def aim(self) -> None:
        """Choose a descent direction for every curve that is not backtracking along its old one."""
        gradient = self.gradient.flatten(1)
        newton = -(self.scaled_gradient + self._memory(gradient.unsqueeze(2)))
        slope = (gradient * newton).sum(1)
        plain = -self.scaled_gradient
        plain_slope = (gradient * plain).sum(1)
        steepest = -gradient / self.factor_scale()
        usable = slope < 0
        plain_usable = (plain_slope < 0) & self.factor.positive_definite
        direction = torch.where(
            usable[:, None], newton, torch.where(plain_usable[:, None], plain, steepest)
        )
        slope = (gradient * direction).sum(1)
        kept = self.backtracking
        self.direction = torch.where(
            kept[:, None, None], self.direction, direction.view_as(self.direction)
        )
        self.slope = torch.where(kept, self.slope, slope)

    def factor_scale(self) -> Float[Tensor, "b 1"]:
        """A step of the gradient over this lowers the energy by about its own size."""
        squares = self.gradient.flatten(1).square().sum(1)
        tiny = torch.finfo(squares.dtype).tiny
        return (squares / self.value.clamp_min(tiny)).clamp_min(tiny).unsqueeze(1)

    def _memory(self, gradient: Float[Tensor, "b k 1"]) -> Float[Tensor, "b k"]:
        """(H − H0) times the gradient."""
        if not self.valid.shape[1]:
            return torch.zeros_like(gradient[..., 0])
        triangle = (self.steps @ self.changes.mT).triu()
        middle = self.changes @ self.scaled_changes.mT + torch.diag_embed(self.valid.to(gradient))
        along_steps = self.steps @ gradient
        along_changes = self.scaled_changes @ gradient
        # Unused pairs are zero rows: the unit diagonal keeps the triangle solvable.
        weight = torch.linalg.solve_triangular(
            triangle, along_steps, upper=True, unitriangular=True
        )
        top = torch.linalg.solve_triangular(
            triangle.mT, middle @ weight - along_changes, upper=False, unitriangular=True
        )
        return (self.steps.mT @ top - self.scaled_changes.mT @ weight).squeeze(2)

    def keep(self, rows: Bool[Tensor, "b"]) -> None:
        """Drop the curves that are done."""
        for name, value in vars(self).items():
            if isinstance(value, Tensor):
                setattr(self, name, value[rows])
        self.factor.keep(rows)
