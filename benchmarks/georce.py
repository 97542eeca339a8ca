"""GEORCE, the strongest published competitor, from the equations of its paper."""

import copy
from collections.abc import Callable
from typing import NamedTuple, final

import torch
from jaxtyping import Float
from solver import Curves, Solver, straight_nodes, through_nodes
from torch import Tensor, nn
from torch.func import jvp
from typing_extensions import override

from geolatent.metrics import forward_jacobian

Immersion = Callable[[Tensor], Tensor]  # (m, d) -> (m, p)

_POINTS_AT_ONCE = 1024
_SHORTEST_STEP = 2.0**-20


class _Expansion(NamedTuple):
    """The energy Σ u_sᵀ G(x_s) u_s around one curve."""

    value: Float[Tensor, "b"]
    inverse: Float[Tensor, "b t d d"]  # G(x_s)⁻¹
    momentum: Float[Tensor, "b t d"]  # G(x_s) u_s
    slope: Float[Tensor, "b t d"]  # g_s = ∇_y u_sᵀ G(y) u_s at y = x_s, with g_0 = 0

    def gradient(self) -> Float[Tensor, "b i d"]:
        """With respect to the interior nodes."""
        return self.slope[:, 1:] + 2 * (self.momentum[:, :-1] - self.momentum[:, 1:])


@final
class Georce(Solver):
    r"""A geodesic as a discrete control problem, solved by its own necessary conditions.

    .. math::
        \min_u \sum_{s=0}^{T-1} u_s^\top G(x_s) u_s, \quad x_{s+1} = x_s + u_s, \quad
        x_0 = a, \; x_T = b

    Every iteration freezes G and g_s = ∇_y u_sᵀ G(y) u_s at the current curve and solves the
    conditions in closed form,

    .. math::
        h_s = \sum_{r > s} g_r, \quad
        μ = \Big(\sum_s G_s^{-1}\Big)^{-1} \Big(2(a - b) - \sum_s G_s^{-1} h_s\Big), \quad
        \hat u_s = -\tfrac12 G_s^{-1} (μ + h_s)

    and goes from u towards û as far as a backtracking search allows. A curve ends when the norm of
    its gradient is below `tolerance` (the authors': 1e-4, in units of the energy above), and here
    also when no step lowers its energy any more. Batched, each curve with its own step; G comes
    from forward-mode columns and g from one backward pass through a single directional
    derivative, which is cheaper than differentiating G.

    References:
        Rygaard, F. M., Hauberg, S. (2025). GEORCE: a fast new control algorithm for computing
        geodesics. arXiv 2505.05961.
    """

    def __init__(
        self,
        *,
        segments: int = 100,
        tolerance: float = 1e-4,
        iterations: int = 1000,
        shrink: float = 0.5,
        dtype: torch.dtype = torch.float32,
        **limits: float,
    ) -> None:
        super().__init__(f"GEORCE, {segments} segments, {tolerance:g}", family="GEORCE", **limits)
        self._segments, self._tolerance, self._iterations = segments, tolerance, iterations
        self._shrink, self._dtype = shrink, dtype

    @override
    def solve(
        self, decoder: nn.Module, start: Float[Tensor, "b d"], end: Float[Tensor, "b d"]
    ) -> Curves:
        if self._dtype != start.dtype:
            decoder = copy.deepcopy(decoder).to(self._dtype)
        return through_nodes(self.nodes(decoder, start.to(self._dtype), end.to(self._dtype)))

    def nodes(
        self, immersion: Immersion, start: Float[Tensor, "b d"], end: Float[Tensor, "b d"]
    ) -> Float[Tensor, "b t d"]:
        """The nodes of the curves from start to end, `segments + 1` of each."""
        result = straight_nodes(start, end, self._segments)
        row = torch.arange(len(start))
        now = _expand(immersion, result)
        for _ in range(self._iterations):
            steep = ~(now.gradient().flatten(1).norm(dim=1) < self._tolerance)
            if not steep.all():
                row, now = row[steep], _Expansion(*(part[steep] for part in now))
            if not len(row):
                break
            nodes = result[row]
            control = nodes.diff(dim=1)
            direction = _best_control(now, nodes[:, -1] - nodes[:, 0]) - control
            nodes, moved = self._search(immersion, now, nodes, direction)
            result[row] = nodes
            row = row[moved]
            if not len(row):
                break
            now = _expand(immersion, nodes[moved])
        return result

    def _search(
        self, immersion: Immersion, now: _Expansion, nodes: Tensor, direction: Tensor
    ) -> tuple[Float[Tensor, "b t d"], Float[Tensor, "b"]]:
        """Backtrack from the full step; curves that no step improves stay and are not `moved`."""
        shift = torch.zeros_like(nodes)
        shift[:, 1:-1] = direction.cumsum(1)[:, :-1]
        descent = (now.gradient() * shift[:, 1:-1]).sum((1, 2))
        rounding = 3 * torch.finfo(nodes.dtype).eps * now.value
        nodes = nodes.clone()
        moved = torch.zeros(len(nodes), dtype=torch.bool)
        left = (descent < 0).nonzero().squeeze(1)
        length = 1.0
        while len(left) and length > _SHORTEST_STEP:
            trial = nodes[left] + length * shift[left]
            value = _energy(immersion, trial)
            # Armijo, and a decrease that rounding cannot pretend.
            good = value <= now.value[left] + 1e-4 * length * descent[left]
            good &= now.value[left] - value > rounding[left]
            nodes[left[good]] = trial[good]
            moved[left[good]] = True
            left = left[~good]
            length *= self._shrink
        return nodes, moved


def _best_control(now: _Expansion, span: Float[Tensor, "b d"]) -> Float[Tensor, "b t d"]:
    """û of the displayed formula."""
    later = now.slope.flip(1).cumsum(1).flip(1) - now.slope  # h_s
    weighted = (now.inverse @ later[..., None])[..., 0]
    right = -2 * span - weighted.sum(1)
    costate, _ = torch.linalg.solve_ex(now.inverse.sum(1), right)
    return -0.5 * ((now.inverse @ costate[:, None, :, None])[..., 0] + weighted)


def _expand(immersion: Immersion, nodes: Float[Tensor, "b t d"]) -> _Expansion:
    control = nodes.diff(dim=1)
    shape = control.shape
    grams, slopes = [], []
    codes, controls = nodes[:, :-1].flatten(0, 1), control.flatten(0, 1)
    dim = shape[-1]
    for z, u in zip(codes.split(_POINTS_AT_ONCE), controls.split(_POINTS_AT_ONCE), strict=True):
        jacobian = forward_jacobian(immersion, z)[1]
        grams.append(jacobian.mT @ jacobian)
        leaf = z.detach().requires_grad_()
        _, push = jvp(immersion, (leaf,), (u,))
        slopes.append(torch.autograd.grad(push.square().sum(), leaf)[0])
    gram = torch.cat(grams).view(*shape, dim)
    slope = torch.cat(slopes).view(shape)
    slope[:, 0] = 0  # the first node is not free
    inverse, _ = torch.linalg.inv_ex(gram)
    momentum = (gram @ control[..., None])[..., 0]
    return _Expansion((control * momentum).sum((1, 2)), inverse, momentum, slope)


def _energy(immersion: Immersion, nodes: Float[Tensor, "b t d"]) -> Float[Tensor, "b"]:
    codes, controls = nodes[:, :-1].flatten(0, 1), nodes.diff(dim=1).flatten(0, 1)
    squares = [
        jvp(immersion, (z,), (u,))[1].square().sum(1)
        for z, u in zip(codes.split(_POINTS_AT_ONCE), controls.split(_POINTS_AT_ONCE), strict=True)
    ]
    return torch.cat(squares).view(len(nodes), -1).sum(1)
