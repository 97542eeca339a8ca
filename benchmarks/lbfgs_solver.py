"""Limited-memory BFGS on the discrete energy, without a preconditioner."""

from typing import final

import torch
from jaxtyping import Float
from solver import Curves, Solver, straight_nodes, through_nodes
from torch import Tensor, nn
from typing_extensions import override

_MEMORY = 10
_ARMIJO = 1e-4
_HALVINGS = 30


@final
class LbfgsSolver(Solver):
    """Every curve with its own memory and step length, all evaluated in one batch.

    What tells our engine apart from it is the Gauss-Newton preconditioner, two chords for each
    segment, and coarse levels first.
    """

    def __init__(
        self,
        *,
        segments: int = 32,
        iterations: int = 300,
        tolerance: float = 1e-6,
        **limits: float,
    ) -> None:
        super().__init__(f"L-BFGS, {segments} segments", family="L-BFGS", **limits)
        self._segments, self._iterations, self._tolerance = segments, iterations, tolerance

    @override
    def solve(
        self, decoder: nn.Module, start: Float[Tensor, "b d"], end: Float[Tensor, "b d"]
    ) -> Curves:
        result = straight_nodes(start, end, self._segments)
        row = torch.arange(len(start))
        x = result[:, 1:-1].flatten(1)
        value, gradient = self._evaluate(decoder, result, x)
        pairs: list[tuple[Tensor, Tensor, Tensor]] = []
        small = torch.zeros(len(start), dtype=torch.bool)
        for _ in range(self._iterations):
            direction = _two_loops(gradient, pairs)
            slope = (gradient * direction).sum(1)
            uphill = ~(slope < 0)
            direction[uphill] = -gradient[uphill]
            slope = torch.where(uphill, -gradient.square().sum(1), slope)
            # Without any memory the gradient has no natural length: a hundredth of the curve's.
            first = 0.01 * x.norm(dim=1) / direction.norm(dim=1).clamp_min(1e-30)
            length = torch.ones_like(value) if pairs else first.clamp_max(1)
            new, new_value, new_gradient = self._search(
                decoder, result[row], x, value, gradient, direction, slope, length
            )
            step, change = new - x, new_gradient - gradient
            curvature = (step * change).sum(1)
            usable = curvature > 1e-10 * step.norm(dim=1) * change.norm(dim=1)
            weight = torch.where(usable, 1 / torch.where(usable, curvature, 1), 0)
            pairs = [*pairs[-_MEMORY + 1 :], (step, change, weight)]
            was_small, small = small, value - new_value <= self._tolerance * value
            x, value, gradient = new, new_value, new_gradient
            result[row, 1:-1] = x.unflatten(1, (self._segments - 1, -1))
            active = ~(small & was_small)
            if not active.any():
                break
            if not active.all():
                row, x, value, gradient, small = (
                    part[active] for part in (row, x, value, gradient, small)
                )
                pairs = [(s[active], y[active], w[active]) for s, y, w in pairs]
        return through_nodes(result)

    def _evaluate(
        self, decoder: nn.Module, nodes: Tensor, x: Tensor
    ) -> tuple[Float[Tensor, "b"], Float[Tensor, "b k"]]:
        leaf = x.detach().requires_grad_()
        inner = leaf.unflatten(1, (self._segments - 1, -1))
        image = decoder(torch.cat([nodes[:, :1], inner, nodes[:, -1:]], dim=1))
        energy = self._segments * image.flatten(2).diff(dim=1).square().sum((1, 2))
        return energy.detach(), torch.autograd.grad(energy.sum(), leaf)[0]

    def _search(
        self,
        decoder: nn.Module,
        nodes: Tensor,
        x: Tensor,
        value: Tensor,
        gradient: Tensor,
        direction: Tensor,
        slope: Tensor,
        length: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Halve the steps that do not lower the energy enough; stay where none does."""
        x, value, gradient = x.clone(), value.clone(), gradient.clone()
        open_ = torch.arange(len(x))
        for _ in range(_HALVINGS):
            trial = x[open_] + length[open_, None] * direction[open_]
            trial_value, trial_gradient = self._evaluate(decoder, nodes[open_], trial)
            enough = value[open_] + _ARMIJO * length[open_] * slope[open_]
            good = trial_value <= enough
            taken = open_[good]
            x[taken], value[taken] = trial[good], trial_value[good]
            gradient[taken] = trial_gradient[good]
            open_ = open_[~good]
            if not len(open_):
                break
            length[open_] /= 2
        return x, value, gradient


def _two_loops(gradient: Tensor, pairs: list[tuple[Tensor, Tensor, Tensor]]) -> Tensor:
    q = gradient.clone()
    weights = []
    for step, change, weight in reversed(pairs):
        a = weight * (step * q).sum(1)
        q -= a[:, None] * change
        weights.append(a)
    if pairs:
        step, change, weight = pairs[-1]
        scale = (step * change).sum(1) / change.square().sum(1).clamp_min(1e-30)
        q *= torch.where(weight > 0, scale, scale.clamp_min(1e-8))[:, None]
    for (step, change, weight), a in zip(pairs, reversed(weights), strict=True):
        b = weight * (change * q).sum(1)
        q += (a - b)[:, None] * step
    return -q
