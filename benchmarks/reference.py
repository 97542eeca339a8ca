"""The lowest energies known between the pairs of a case."""

import copy
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from boundary_value import geodesic_lengths
from case import Case
from evaluator import measure
from jaxtyping import Float
from solver import through_nodes
from starts import starts
from torch import Tensor, nn

from geolatent.geodesics.cubic_interpolation import refine
from geolatent.geodesics.curve_energy import curve_energy
from geolatent.geodesics.quasi_newton import minimise
from geolatent.metrics import PullbackMetric

_COARSE = 32


class Reference(NamedTuple):
    """What excess energy is measured against.

    `exact` where it does not depend on what was minimised: a closed form, or a boundary value
    problem; otherwise any solver that gets lower in a run lowers it for that run.
    """

    energy: Float[np.ndarray, "b"]
    length: Float[np.ndarray, "b"]
    exact: bool
    source: str


def reference(case: Case, folder: Path) -> Reference:
    """Read the reference of a case, or compute and keep it."""
    if case.exact_lengths is not None:
        length = case.exact_lengths
        return Reference(length**2, length, True, "exact distances")
    file = folder / f"{case.name}-{case.fingerprint}.npz"
    if not file.exists():
        energy, length, exact, source = _compute(case)
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(file, energy=energy, length=length, exact=exact, source=source)
    kept = np.load(file)
    return Reference(kept["energy"], kept["length"], bool(kept["exact"]), str(kept["source"]))


def _compute(case: Case) -> Reference:
    candidates, energies = [], []
    for nodes in starts(case, _COARSE).values():
        nodes = _minimise(case.decoder, nodes, 1e-6, 150)
        candidates.append(nodes)
        energies.append(measure(case, through_nodes(nodes)).energy)
    energies = np.stack(energies)
    best = np.nanargmin(energies, axis=0)
    nodes = torch.stack(candidates)[torch.from_numpy(best), torch.arange(len(case))]
    from_straight = float(np.mean(energies[0] > 1.01 * energies.min(0)))

    finest = 32 if case.kind == "convolutional" else 128
    if case.kind == "convolutional":  # double precision would take hours
        nodes = _minimise(case.decoder, refine(nodes, finest // _COARSE), 1e-7, 200)
    else:
        decoder = copy.deepcopy(case.decoder).double()
        nodes = _minimise(decoder, refine(nodes.double(), finest // _COARSE), 1e-12, 300)
    measured = measure(case, through_nodes(nodes))
    source = (
        f"lowest of {len(candidates)} starts, {finest} segments; a straight start ends more than "
        f"1 % above it for {from_straight:.0%} of the pairs"
    )
    if case.kind != "surface":
        return Reference(measured.energy, measured.length, False, source)
    length, failures = geodesic_lengths(case, nodes)
    length = np.where(np.isnan(length), measured.length, length)
    source += f"; boundary value problem at 1e-10, {failures} of them failed"
    return Reference(length**2, length, True, source)


def _minimise(
    decoder: nn.Module, nodes: Float[Tensor, "b t d"], tolerance: float, iterations: int
) -> Float[Tensor, "b t d"]:
    energy = curve_energy(PullbackMetric(decoder))
    with torch.no_grad():
        return minimise(energy, nodes, tolerance=tolerance, max_iterations=iterations).nodes
