"""Curves of least energy where every node asks another member of an ensemble."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from geolatent.likelihoods import Ensemble
from geolatent.models import VAE

_ROUND = 50  # iterations
_SETTLED = 1e-4  # relative fall of the energy in a round; of the length it is half of that


class DecorrelatedCurves(NamedTuple):
    """Curves of least energy.

    Attributes:
        nodes: of each curve, `(b, t, d)`.
        settled: whether the energy of the curve had stopped falling, `(b,)`.
    """

    nodes: Float[Tensor, "b t d"]
    settled: Bool[Tensor, "b"]


def decorrelated_curve(
    model: VAE, initial: Float[Tensor, "b t d"], *, max_iterations: int = 500
) -> DecorrelatedCurves:
    r"""Minimise the expected energy of curves whose nodes draw members independently.

    .. math:: T \sum_{i<T} ‖\bar φ(z_{i+1}) - \bar φ(z_i)‖^2 + v(z_i) + v(z_{i+1})

    with the ensemble's mean coordinates φ̄ and its `Ensemble.disagreement` v: the expected metric's
    energy of the same nodes, and a potential that grows with their number. All nodes between the
    ends are free.

    Args:
        model: with an ensemble likelihood, in evaluation mode.
        initial: T + 1 nodes of each curve; the first and the last stay.
        max_iterations: of L-BFGS, for all curves together, in rounds of 50: a curve is settled if
            its energy falls by less than 1e-4 in the last one.

    Returns:
        The nodes, never ones of more energy than the initial ones have, and which are settled.

    Raises:
        TypeError: the likelihood is no ensemble.

    References:
        Syrota, S., Moreno-Muñoz, P., Hauberg, S. (2024). Decoder ensembling for learned latent
        geometries. arXiv 2408.07507.
    """
    inner = initial[:, 1:-1].clone().requires_grad_()

    def curve() -> Tensor:
        return torch.cat([initial[:, :1], inner, initial[:, -1:]], 1)

    with torch.no_grad():
        before = decorrelated_energy(model, initial)
    scale = before.clamp_min(torch.finfo(before.dtype).tiny)  # every curve counts the same
    optimizer = torch.optim.LBFGS(
        [inner],
        max_iter=min(_ROUND, max_iterations),
        tolerance_grad=1e-7,
        tolerance_change=1e-12,
        history_size=30,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        loss = (decorrelated_energy(model, curve()) / scale).sum()
        inner.grad = torch.autograd.grad(loss, inner)[0].contiguous()  # L-BFGS flattens a view
        return loss.detach()

    energy, settled = before, torch.zeros_like(before, dtype=torch.bool)
    for _ in range(0, max_iterations, _ROUND):
        optimizer.step(closure)
        with torch.no_grad():
            last, energy = energy, decorrelated_energy(model, curve())
            settled = (last - energy).abs() <= _SETTLED * energy
        if settled.all():
            break
    with torch.no_grad():
        nodes = curve().where((energy <= before)[:, None, None], initial)
        return DecorrelatedCurves(nodes, settled & (energy <= (1 + _SETTLED) * before))


def decorrelated_energy(model: VAE, curve: Float[Tensor, "b t d"]) -> Float[Tensor, "b"]:
    """The energy that `decorrelated_curve` minimises."""
    likelihood = model.likelihood
    if not isinstance(likelihood, Ensemble):
        raise TypeError(
            f"{type(likelihood).__name__} has no members to draw: take likelihood=ensemble."
        )
    features = model.decoder(model.decoder_inputs(curve))
    stacked = likelihood.immersion(features).unflatten(-1, (likelihood.members, -1))
    mean = stacked.mean(-2) * math.sqrt(likelihood.members)  # the immersion is divided by it
    disagreement = likelihood.disagreement(features)
    steps = mean.diff(dim=1).square().sum(-1) + disagreement[:, 1:] + disagreement[:, :-1]
    return (curve.shape[1] - 1) * steps.sum(1)
