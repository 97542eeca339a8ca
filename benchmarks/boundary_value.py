"""Geodesics as solutions of their differential equation, independent of any discrete energy."""

import copy

import numpy as np
import torch
from case import Case
from jaxtyping import Float
from scipy.integrate import solve_bvp
from torch import Tensor
from torch.func import jvp

from geolatent.metrics import forward_jacobian

_TOLERANCE = 1e-10
_MOST_NODES = 20_000


def geodesic_lengths(
    case: Case, nodes: Float[Tensor, "b t d"]
) -> tuple[Float[np.ndarray, "b"], int]:
    r"""Lengths of the geodesics next to given curves, by collocation in float64.

    .. math:: \ddot z = -G(z)^{-1} J(z)^\top \partial^2 φ(z)[\dot z, \dot z]

    Args:
        case: with a decoder of few outputs.
        nodes: at equal times on curves close to the geodesics.

    Returns:
        Lengths, NaN where the collocation failed, and how often it did.
    """
    decoder = copy.deepcopy(case.decoder).double()
    dim = nodes.shape[2]
    t = np.linspace(0, 1, nodes.shape[1])

    def flow(_: np.ndarray, state: np.ndarray) -> np.ndarray:
        z, velocity = torch.from_numpy(state.T.copy()).split(dim, dim=1)

        def push(codes: Tensor) -> Tensor:
            return jvp(decoder, (codes,), (velocity,))[1]

        second = jvp(push, (z,), (velocity,))[1]
        jacobian = forward_jacobian(decoder, z)[1]
        gram = jacobian.mT @ jacobian
        acceleration = -torch.linalg.solve(gram, jacobian.mT @ second[..., None])[..., 0]
        return torch.cat([velocity, acceleration], dim=1).T.numpy()

    lengths = []
    for curve in nodes.double().numpy():
        guess = np.vstack([curve.T, np.gradient(curve, t, axis=0).T])

        def ends(left: np.ndarray, right: np.ndarray, curve: np.ndarray = curve) -> np.ndarray:
            return np.concatenate([left[:dim] - curve[0], right[:dim] - curve[-1]])

        solution = solve_bvp(flow, ends, t, guess, tol=_TOLERANCE, max_nodes=_MOST_NODES)
        z, velocity = torch.from_numpy(solution.y.T.copy()).split(dim, dim=1)
        speed = jvp(decoder, (z,), (velocity,))[1].norm(dim=1)
        lengths.append(float(speed.mean()) if solution.success else np.nan)
    failures = int(np.isnan(lengths).sum())
    return np.array(lengths), failures
