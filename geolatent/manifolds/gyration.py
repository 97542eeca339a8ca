"""How parallel transport turns a frame: the gyration of gyrovector spaces."""

from jaxtyping import Float
from torch import Tensor


def gyration(
    a: Float[Tensor, "*#b d"],
    s: Float[Tensor, "*#b d"],
    gap_a: Float[Tensor, "*#b 1"],
    gap_b: Float[Tensor, "*#b 1"],
    w: Float[Tensor, "*#b d"],
) -> Float[Tensor, "*#b d"]:
    r"""Rotate frame coordinates at a into those at b, along their geodesic.

    .. math:: \operatorname{gyr}[b, -a]\,w = w + 2\,
        \frac{\bigl[(2\,a \cdot s - g_a)\,a \cdot w - |a|^2\,s \cdot w\bigr] s
              + \bigl[g_a\,s \cdot w - |s|^2\,a \cdot w\bigr] a}{|s|^2 + g_a g_b}

    This is Ungar's closed form expanded in the difference s = b - a. It leaves w itself as s goes
    to 0, and nothing in it cancels near the boundary of the ball.

    Args:
        a: where w is, in the Poincaré ball of curvature -1, (\*b d).
        s: difference of the points, b - a, (\*b d).
        gap_a: :math:`g_a = 1 - |a|^2`, (\*b 1).
        gap_b: :math:`g_b = 1 - |b|^2`, (\*b 1).
        w: isometric coordinates in the frame transported from the origin to a, (\*b d).

    Returns:
        Coordinates, of the same length, in the frame transported from the origin to b, (\*b d).

    References:
        Ungar (2008), A gyrovector space approach to hyperbolic geometry.
    """
    along_a, along_s = _dot(a, w), _dot(s, w)
    towards_s = (2 * _dot(a, s) - gap_a) * along_a - _dot(a, a) * along_s
    towards_a = gap_a * along_s - _dot(s, s) * along_a
    return w + 2 * (towards_s * s + towards_a * a) / (_dot(s, s) + gap_a * gap_b)


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum(dim=-1, keepdim=True)
