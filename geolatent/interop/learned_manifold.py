"""Our metrics in geoopt."""

from typing import Any, final

import geoopt
import torch
from torch import Tensor
from typing_extensions import override

from geolatent.geodesics import distance, exponential, parallel_transport
from geolatent.metrics import Metric
from geolatent.metrics.raised_index import raise_index
from geolatent.metrics.require_codes import require_metric
from geolatent.statistics.log_maps import log_maps
from geolatent.statistics.warn_of_failures import warn_of_failures


@final
class LearnedManifold(geoopt.Manifold):
    r"""Codes under a metric as a `geoopt.Manifold`: its optimisers follow the natural gradient.

    .. math:: \operatorname{grad} f = G(z)^{-1}\, ∂f, \qquad R_z(u) = z + u

    The retraction is the straight line of the codes, right to first order; vectors are transported
    along it in parallel, so that they keep their lengths. `expmap`, `logmap` and `dist` are our
    solvers.

    Args:
        metric: on codes.

    Raises:
        TypeError: the metric is none of ours.

    Warns:
        RuntimeWarning: an exponential or log map or a transport failed (NaN) or has not converged.
    """

    name = "Learned"
    ndim = 1
    reversible = False

    def __init__(self, metric: Metric) -> None:
        require_metric(metric)
        super().__init__()
        self.metric = metric

    @override
    def retr(self, x: Tensor, u: Tensor) -> Tensor:
        return x + u

    @override
    def expmap(self, x: Tensor, u: Tensor) -> Tensor:
        start, velocity, batch = _rows(x, u)
        found = exponential(self.metric, start, velocity)
        warn_of_failures("exponential maps", found.converged)
        return found.end.reshape(*batch, -1)

    @override
    def logmap(self, x: Tensor, y: Tensor) -> Tensor:
        start, end, batch = _rows(x, y)
        found = log_maps(self.metric, start, end)
        warn_of_failures("log maps", found.converged)
        return found.velocity.reshape(*batch, -1)

    @override
    def dist(self, x: Tensor, y: Tensor, *, keepdim: bool = False) -> Tensor:
        start, end, batch = _rows(x, y)
        length = distance(self.metric, start, end).reshape(batch)
        return length.unsqueeze(-1) if keepdim else length

    @override
    def transp(self, x: Tensor, y: Tensor, v: Tensor) -> Tensor:
        start, end, batch = _rows(x, y)
        vector = v.expand(*batch, v.shape[-1]).reshape(start.shape)
        points = torch.stack([start, end], dim=1)
        found = parallel_transport(self.metric, points, vector)
        warn_of_failures("transports", found.converged)
        return found.vectors.reshape(*batch, -1)

    @override
    def inner(
        self, x: Tensor, u: Tensor, v: Tensor | None = None, *, keepdim: bool = False
    ) -> Tensor:
        v = u if v is None else v
        value = torch.einsum("...i,...ij,...j->...", u, self.metric.matrix(x), v)
        return value.unsqueeze(-1) if keepdim else value

    @override
    def norm(self, x: Tensor, u: Tensor, *, keepdim: bool = False) -> Tensor:
        return self.inner(x, u, keepdim=keepdim).clamp_min(0).sqrt()

    @override
    def egrad2rgrad(self, x: Tensor, u: Tensor) -> Tensor:
        return raise_index(self.metric.matrix(x), u.unsqueeze(-1)).squeeze(-1)

    @override
    def proju(self, x: Tensor, u: Tensor) -> Tensor:
        return u.expand(torch.broadcast_shapes(x.shape, u.shape))

    @override
    def projx(self, x: Tensor) -> Tensor:
        return x

    @override
    def _check_point_on_manifold(
        self, x: Tensor, *, atol: float = 1e-5, rtol: float = 1e-5
    ) -> tuple[bool, str | None]:
        if x.isfinite().all():
            return True, None
        return False, "codes must be finite"

    @override
    def _check_vector_on_tangent(
        self, x: Tensor, u: Tensor, *, atol: float = 1e-5, rtol: float = 1e-5
    ) -> tuple[bool, str | None]:
        if u.isfinite().all():
            return True, None
        return False, "tangent vectors must be finite"


def _rows(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Any]:
    """Both as rows, and the batch dimensions they had."""
    x, y = torch.broadcast_tensors(x, y)
    return x.reshape(-1, x.shape[-1]), y.reshape(-1, y.shape[-1]), x.shape[:-1]
