"""Our metrics in geomstats."""

import logging
from typing import Any, final

import numpy as np
import torch
from torch import Tensor
from typing_extensions import override

from geolatent.geodesics import connect, distance_matrix, exponential, parallel_transport
from geolatent.interop.array_codes import as_codes, pairs_of
from geolatent.metrics import EuclideanMetric, ManifoldMetric, Metric
from geolatent.metrics.require_codes import require_codes, require_metric
from geolatent.metrics.try_metric import Misfit
from geolatent.statistics.log_maps import log_maps
from geolatent.statistics.warn_of_failures import warn_of_failures

# geomstats sets up the root logger when it is imported, which is the caller's to do.
_root = logging.getLogger()
_before = (_root.level, list(_root.handlers))
import geomstats.backend as gs  # noqa: E402
from geomstats.geometry.euclidean import Euclidean  # noqa: E402
from geomstats.geometry.riemannian_metric import RiemannianMetric  # noqa: E402

_root.setLevel(_before[0])
_root.handlers[:] = _before[1]


@final
class GeomstatsMetric(RiemannianMetric):
    """A metric on codes as a `RiemannianMetric`, with our solvers: NumPy arrays in and out.

    Args:
        space: geomstats' space of the codes.
        metric: ours.
        exact: log maps from the geodesic equation rather than from curves of least energy; see
            `log_maps`.
        dtype: that the solvers work in; the decoder's own, double before single, if not given.
        segments: of the geodesics, as in `connect`.

    Raises:
        TypeError: the metric is none of ours.
        ValueError: the metric does not take codes of the space's dimension and of this dtype.
        RuntimeError: geomstats runs on another backend than NumPy.

    Warns:
        RuntimeWarning: some geodesics failed or have not converged.
    """

    def __init__(
        self,
        space: Euclidean,
        metric: Metric,
        *,
        exact: bool = False,
        dtype: torch.dtype | None = None,
        segments: int | None = None,
    ) -> None:
        require_metric(metric)
        if gs.__name__ != "geomstats.numpy":
            raise RuntimeError(
                f"geomstats runs on {gs.__name__}; start Python with GEOMSTATS_BACKEND=numpy."
            )
        dtype = _fitting_dtype(metric, space.dim, dtype)
        super().__init__(space=space)
        self.learned = metric
        self.exact = exact
        self.dtype = dtype
        self.segments = segments

    @override
    def metric_matrix(self, base_point: np.ndarray | None = None) -> np.ndarray:
        if base_point is None:
            raise ValueError("the metric differs from code to code: give a base_point.")
        with torch.no_grad():
            return _array(self.learned.matrix(as_codes(base_point, self.dtype)))

    @override
    def exp(self, tangent_vec: np.ndarray, base_point: np.ndarray, **_: Any) -> np.ndarray:
        velocity, base, batch = pairs_of(tangent_vec, base_point, self.dtype)
        found = exponential(self.learned, base, velocity)
        warn_of_failures("exponentials", found.converged)
        return _array(found.end).reshape(*batch, -1)

    @override
    def log(self, point: np.ndarray, base_point: np.ndarray, **_: Any) -> np.ndarray:
        points, base, batch = pairs_of(point, base_point, self.dtype)
        found = log_maps(self.learned, base, points, exact=self.exact, segments=self.segments)
        warn_of_failures("logarithms", found.converged)
        return _array(found.velocity).reshape(*batch, -1)

    @override
    def dist(self, point_a: np.ndarray, point_b: np.ndarray) -> np.ndarray:
        start, end, batch = pairs_of(point_a, point_b, self.dtype)
        path = connect(self.learned, start, end, segments=self.segments)
        warn_of_failures("distances", path.converged)
        return _array(path.length).reshape(batch)

    @override
    def squared_dist(self, point_a: np.ndarray, point_b: np.ndarray) -> np.ndarray:
        return self.dist(point_a, point_b) ** 2

    @override
    def dist_pairwise(self, points: np.ndarray, n_jobs: int = 1, **_: Any) -> np.ndarray:
        codes = as_codes(points, self.dtype)
        options: dict[str, Any] = {} if self.segments is None else {"segments": self.segments}
        found = distance_matrix(self.learned, codes, workers=n_jobs, progress=False, **options)
        warn_of_failures("distances", found.converged)
        return _array(found.values)

    @override
    def parallel_transport(
        self,
        tangent_vec: np.ndarray,
        base_point: np.ndarray,
        direction: np.ndarray | None = None,
        end_point: np.ndarray | None = None,
    ) -> np.ndarray:
        if end_point is None:
            if direction is None:
                raise ValueError("give the direction or the end_point of the geodesic.")
            end_point = self.exp(direction, base_point)
        vector, base, batch = pairs_of(tangent_vec, base_point, self.dtype)
        end = as_codes(np.broadcast_to(end_point, (*batch, base.shape[1])), self.dtype)
        path = connect(self.learned, base, end.reshape(base.shape), segments=self.segments)
        found = parallel_transport(self.learned, path, vector)
        warn_of_failures("transports", path.converged & found.converged)
        return _array(found.vectors).reshape(*batch, -1)

    @override
    def injectivity_radius(self, base_point: np.ndarray | None = None) -> np.ndarray:
        """That of the manifold where it is known; of a learned metric nobody knows it (NaN)."""
        radius = np.nan
        if isinstance(self.learned, EuclideanMetric):
            radius = np.inf
        elif isinstance(self.learned, ManifoldMetric):
            radius = self.learned.manifold.injectivity_radius
        batch = () if base_point is None else np.asarray(base_point).shape[:-1]
        return np.full(batch, radius)


def _fitting_dtype(metric: Metric, dim: int, asked: torch.dtype | None) -> torch.dtype:
    """The first in which the metric takes codes."""
    wanted = [torch.float64, torch.float32] if asked is None else [asked]
    refused: ValueError | None = None
    for dtype in wanted:
        try:
            require_codes(metric, torch.zeros(1, dim, dtype=dtype))
        except ValueError as error:
            # That it is another dtype's decoder says less than what else is wrong.
            if refused is None or isinstance(refused, Misfit):
                refused = error
        else:
            return dtype
    assert refused is not None
    raise refused


def geomstats_space(metric: Metric, dim: int, **options: Any) -> Euclidean:
    """The space of codes as geomstats' learning algorithms take it.

    Args:
        metric: on codes.
        dim: of the codes.
        **options: of `GeomstatsMetric`.

    Returns:
        A space of coordinates, equipped with the metric: `FrechetMean(space)`,
        `RiemannianKMeans(space)`, `GeodesicRegression(space)` and the others work on it.

    Raises:
        ValueError: the dimension is not positive, or not that of the metric's codes.
        TypeError: the metric is none of ours.
    """
    if dim < 1:
        raise ValueError(f"dim must be at least 1, got {dim}.")
    space = Euclidean(dim, equip=False)
    space.equip_with_metric(GeomstatsMetric, metric=metric, **options)
    return space


def _array(values: Tensor) -> np.ndarray:
    return values.detach().cpu().numpy()
