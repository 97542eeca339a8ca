"""Brownian motion on codes with a metric of any kind."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple, final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution, constraints
from typing_extensions import override


@final
class BrownianMotion(Distribution):
    r"""Where Brownian motion in a metric G is after a short time t.

    .. math:: \log p(z) = \tfrac12 \log\det G(z) - \tfrac d2 \log 2πt - \frac{d_G(μ, z)^2}{2t}

    the heat kernel to leading order in t, with respect to Lebesgue measure on codes. In a flat
    metric it is exact: N(μ, t G⁻¹) where G is constant. Elsewhere the next factor is the root of
    the Van Vleck-Morette determinant, which differs from one by O(t) where the mass is and needs
    Jacobi fields: it is left out, as in the paper. So the integral is 1 − t S(μ) / 6 + O(t²), with
    the scalar curvature S, on a metric under which codes are complete.

    (The authors' code also divides by √det G(μ), with which the integral depends on where μ is.)

    Samples are those of the diffusion with generator ½ Δ,

    .. math:: dz = \tfrac12 \bigl(\mathrm{div}\, G^{-1} + G^{-1} ∇ \log\sqrt{\det G}\bigr) dt
        + G^{-1/2} dW

    by n steps of Euler and Maruyama. A step to where G is singular (in the dtype) is not made: a
    metric that is not complete lets Brownian motion escape in finite time. (The samples of
    the authors' code leave out the drift, which belongs to the diffusion.)

    Args:
        matrix: z ↦ G(z), `(b, d) -> (b, d, d)`.
        distance: geodesic distances, `(b, d), (b, d) -> (b,)`.
        loc: μ, `(d,)`.
        time: t > 0, in squared units of distance.
        steps: of a sample.

    Raises:
        ValueError: there is no step.

    References:
        Kalatzis, D., Eklund, D., Arvanitidis, G., Hauberg, S. (2020). Variational autoencoders with
        Riemannian Brownian motion priors. arXiv 2002.05227.
    """

    arg_constraints = {}
    support = constraints.real_vector
    has_rsample = False

    def __init__(
        self,
        matrix: Callable[[Tensor], Tensor],
        distance: Callable[[Tensor, Tensor], Tensor],
        loc: Float[Tensor, "d"],
        time: Float[Tensor, ""],
        *,
        steps: int = 16,
    ) -> None:
        if steps < 1:
            raise ValueError(f"a sample needs at least one step, got {steps}.")
        self.matrix = matrix
        self.distance = distance
        self.loc = loc
        self.time = time
        self.steps = steps
        super().__init__(torch.Size(), loc.shape, validate_args=False)

    @override
    def log_prob(self, value: Float[Tensor, "*s d"]) -> Float[Tensor, "*s"]:
        """Leading order of the log density with respect to Lebesgue measure.

        Args:
            value: codes, (*s d).

        Returns:
            (*s).
        """
        z = value.reshape(-1, value.shape[-1])
        square = self.distance(self.loc.expand_as(z), z).square()
        normalisation = z.shape[-1] / 2 * (2 * math.pi * self.time).log()
        volume = torch.linalg.slogdet(self.matrix(z)).logabsdet / 2
        log_density = volume - normalisation - square / (2 * self.time)
        return log_density.reshape(value.shape[:-1])

    @override
    @torch.no_grad()
    def sample(self, sample_shape: Any = ()) -> Float[Tensor, "*s d"]:
        """Draw codes from torch's global generator.

        Args:
            sample_shape: how many.

        Returns:
            Codes, (*sample_shape, d).
        """
        shape = torch.Size(sample_shape) + self.loc.shape
        z = self.loc.expand(shape).reshape(-1, shape[-1]).clone()
        step = self.time / self.steps
        here = self._local(z)
        if bool(here.singular.any()):
            raise ValueError(
                f"the metric is singular where Brownian motion starts, at {self.loc.tolist()}: the "
                "decoder is not an immersion there (in this dtype)."
            )
        for _ in range(self.steps):
            noise = torch.randn_like(z).unsqueeze(-1)
            move = torch.linalg.solve_triangular(here.factor.mT, noise, upper=True).squeeze(-1)
            there = self._local(here.z + step * here.drift + step.sqrt() * move)
            pairs = zip(there, here, strict=True)
            here = _Local(*(_where(there.singular, old, new) for new, old in pairs))
        return here.z.reshape(shape)

    def _local(self, z: Tensor) -> "_Local":
        with torch.enable_grad():
            leaf = z.detach().requires_grad_()
            matrix = self.matrix(leaf)
            slopes = _derivatives(matrix, leaf)
        matrix = matrix.detach()
        inverse = torch.linalg.inv_ex(matrix).inverse
        # −½ Gʲᵏ Γⁱⱼₖ: neither √det G nor G⁻¹ is differentiated, which overflow far from data.
        rise = torch.einsum("bjki, bjk -> bi", slopes, inverse) / 2
        turn = torch.einsum("bijk, bjk -> bi", slopes, inverse)
        drift = torch.einsum("bij, bj -> bi", inverse, rise - turn) / 2
        factor, failed = torch.linalg.cholesky_ex(matrix)
        return _Local(z, drift, factor, (failed != 0) | ~drift.isfinite().all(-1))


class _Local(NamedTuple):
    """Codes with their drift, the Cholesky factor of G, and whether it has none."""

    z: Tensor
    drift: Tensor
    factor: Tensor
    singular: Tensor


def _derivatives(matrix: Tensor, z: Tensor) -> Tensor:
    """∂_k G_ij, `(b, d, d, d)`; zero for a matrix that does not depend on z."""
    slopes = matrix.new_zeros(*matrix.shape, z.shape[-1])
    if not matrix.requires_grad:
        return slopes
    for row in range(z.shape[-1]):
        for column in range(row + 1):
            (slope,) = torch.autograd.grad(
                matrix[:, row, column].sum(), z, retain_graph=True, materialize_grads=True
            )
            slopes[:, row, column] = slopes[:, column, row] = slope
    return slopes


def _where(chosen: Tensor, one: Tensor, other: Tensor) -> Tensor:
    return torch.where(chosen.view(-1, *[1] * (one.ndim - 1)), one, other)
