"""The one evaluator of every curve, whoever found it."""

import copy
from typing import NamedTuple

import numpy as np
import torch
from case import Case
from jaxtyping import Float
from solver import Curves

_NUMBERS_AT_ONCE = 2**22  # of decoded values: 32 MB in float64


class Measured(NamedTuple):
    """Energies and lengths of curves; NaN where a curve is."""

    energy: Float[np.ndarray, "b"]
    length: Float[np.ndarray, "b"]


@torch.no_grad()
def measure(case: Case, curves: Curves) -> Measured:
    r"""Energy and length of the first curves of a case, decoded in float64.

    From equally long pieces of time, with the discretisation error of 2N chords extrapolated away:

    .. math:: E = (4 E_N - E_{N/2}) / 3, \quad L = (4 L_N - L_{N/2}) / 3

    Args:
        case: with the decoder and the number of chords.
        curves: of its first pairs.

    Returns:
        One energy and one length for each curve.
    """
    decoder = copy.deepcopy(case.decoder).double()
    codes = torch.from_numpy(curves(np.linspace(0, 1, case.chords + 1)))
    features = decoder(case.start[:1].double()).shape[-1]
    at_once = max(1, _NUMBERS_AT_ONCE // (features * (case.chords + 1)))
    energies, lengths = [], []
    for piece in codes.split(at_once):
        image = decoder(piece.flatten(0, 1)).unflatten(0, piece.shape[:2])
        fine = image.diff(dim=1).norm(dim=2)
        coarse = image[:, ::2].diff(dim=1).norm(dim=2)
        lengths.append((4 * fine.sum(1) - coarse.sum(1)) / 3)
        squares = fine.shape[1] * fine.square().sum(1), coarse.shape[1] * coarse.square().sum(1)
        energies.append((4 * squares[0] - squares[1]) / 3)
    return Measured(torch.cat(energies).numpy(), torch.cat(lengths).numpy())
