"""The curvature that triangles of geodesics have."""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float

_WIDEST = 100.0  # −K L² up to which curvatures are looked for, L a third of the perimeter
_LARGEST = 4 * np.pi**2 / 9 * (1 - 1e-9)  # K L² at which the triangle is a great circle
_HALVINGS = 60


@final
@dataclass(frozen=True)
class Triangles:
    r"""Geodesic triangles A, B, C and the geodesic from A to a point M on the side BC.

    In a space of constant curvature K, with sn and S as below, their lengths are related by

    .. math:: S(AM) = \frac{\mathrm{sn}(BM) (S(AC) - S(MC)) + \mathrm{sn}(MC) (S(AB) - S(BM))}
        {\mathrm{sn}(BC)}, \quad S(x) = \frac{\sin^2(\sqrt{K} x / 2)}{K}, \quad
        \mathrm{sn}(x) = \frac{\sin \sqrt{K} x}{\sqrt{K}}

    which is Stewart's theorem for K = 0. All are `(b,)` and in the units of the metric.
    """

    ab: Float[np.ndarray, "b"]
    ac: Float[np.ndarray, "b"]
    bm: Float[np.ndarray, "b"]
    mc: Float[np.ndarray, "b"]
    am: Float[np.ndarray, "b"]

    @property
    def perimeter(self) -> Float[np.ndarray, "b"]:
        """AB + BC + CA."""
        return self.ab + self.ac + self.bm + self.mc

    def median(self, curvature: float | Float[np.ndarray, "b"]) -> Float[np.ndarray, "b"]:
        """AM in a space of this curvature; NaN where it holds no such triangle."""
        bm, mc = _sn(curvature, self.bm), _sn(curvature, self.mc)
        top = bm * (_versine(curvature, self.ac) - _versine(curvature, self.mc))
        top = top + mc * (_versine(curvature, self.ab) - _versine(curvature, self.bm))
        length = _length(curvature, top / _sn(curvature, self.bm + self.mc))
        fits = self.perimeter * np.sqrt(np.maximum(curvature, 0)) < 2 * np.pi
        return np.where(fits, length, np.nan)

    def curvature(self) -> Float[np.ndarray, "b"]:
        """The K of a space that holds each triangle, found by bisection: AM grows with K.

        A triangle that no space between a nearly full great circle and K = −100 / L² holds, L a
        third of its perimeter, gets the nearer of the two.
        """
        square = (self.perimeter / 3) ** 2
        low, high = -_WIDEST / square, _LARGEST / square
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            longer = self.median(middle) > self.am
            low, high = np.where(longer, low, middle), np.where(longer, middle, high)
        return (low + high) / 2


def _versine(curvature: float | np.ndarray, x: np.ndarray) -> np.ndarray:
    """S(x), x²/4 in a flat space."""
    return _sn(curvature, x / 2) ** 2


def _sn(curvature: float | np.ndarray, x: np.ndarray) -> np.ndarray:
    flat = np.asarray(curvature) == 0
    root = np.sqrt(np.abs(np.where(flat, 1, curvature)))
    bent = np.where(np.asarray(curvature) > 0, np.sin(root * x), np.sinh(root * x)) / root
    return np.where(flat, x, bent)


def _length(curvature: float | np.ndarray, versine: np.ndarray) -> np.ndarray:
    """The x whose S(x) this is."""
    half = np.sqrt(np.maximum(versine, 0))
    flat = np.asarray(curvature) == 0
    root = np.sqrt(np.abs(np.where(flat, 1, curvature)))
    arc = np.arcsin(np.minimum(root * half, 1))
    bent = np.where(np.asarray(curvature) > 0, arc, np.arcsinh(root * half)) / root
    return 2 * np.where(flat, half, bent)
