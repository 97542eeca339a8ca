"""How much the exponential map stretches volume."""

from jaxtyping import Float
from torch import Tensor

from geolatent.metrics import Metric
from geolatent.metrics.require_codes import require_codes
from geolatent.statistics.exponential_derivatives import exponential_derivatives


def volume_distortion(
    metric: Metric, base: Float[Tensor, "b d"], vectors: Float[Tensor, "b d"]
) -> Float[Tensor, "b"]:
    r"""Volume of the manifold per volume of the tangent space, at tangent vectors.

    .. math:: θ_z(v) = |\det D_v \exp_z| \sqrt{\det G(\exp_z v) / \det G(z)}

    An integral over the manifold is one over tangent vectors with θ: that is what normalises
    densities of geodesic distance. The derivative is a central difference of geodesics.

    Args:
        metric: on codes.
        base: codes z, `(b, d)`.
        vectors: in coordinates, `(b, d)`.

    Returns:
        θ, `(b,)`: 1 where space is flat, sin r / r and sinh r / r on the unit sphere and the
        hyperbolic plane; NaN where the geodesic cannot be followed.

    Raises:
        ValueError: codes and vectors do not fit each other or the metric.
        TypeError: the metric is none, or they are no tensors.
    """
    require_codes(metric, base, vectors, name="base")
    return exponential_derivatives(metric, base, vectors).distortion
