"""Codes as tangent vectors, for whatever in scikit-learn is linear."""

from typing import Any, final

import numpy as np
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from geolatent.geodesics import exponential
from geolatent.interop.array_codes import as_array, as_codes
from geolatent.metrics import EuclideanMetric, Metric
from geolatent.metrics.raised_index import orthonormal_frame
from geolatent.metrics.require_codes import require_codes, require_metric
from geolatent.statistics.frechet_mean import frechet_mean
from geolatent.statistics.log_maps import log_maps
from geolatent.statistics.warn_of_failures import warn_of_failures

_DTYPES = [np.float64, np.float32]


@final
class TangentSpace(TransformerMixin, BaseEstimator):
    r"""Codes to their log maps at one base point, in an orthonormal frame.

    .. math:: x ↦ E^{-1} \log_m x, \qquad E^\top G(m) E = I

    Norms of the vectors are geodesic distances from the base point, and what scikit-learn does with
    dot products is done in the metric.

    Args:
        metric: on codes; the flat one if not given.
        base_point: m, `(d,)`; the Fréchet mean of the codes that it is fitted to if not given.
        exact: log maps from the geodesic equation; see `log_maps`.

    Attributes:
        base_point_: m, `(d,)`.
        frame_: E, `(d, d)`.

    Warns:
        RuntimeWarning: some geodesics failed (NaN) or have not converged.
    """

    # scikit-learn wants anything taken here and refused by `fit`.
    def __init__(self, metric: Any = None, *, base_point: Any = None, exact: Any = False) -> None:
        self.metric = metric
        self.base_point = base_point
        self.exact = exact

    def fit(self, X: Any, y: Any = None) -> "TangentSpace":
        """Find the base point of codes `X`, `(n, d)`."""
        if self.metric is not None:
            require_metric(self.metric)
        codes = validate_data(self, as_array(X), dtype=_DTYPES)
        points = self._codes(codes)
        require_codes(self._metric(), points)
        if self.base_point is None:
            mean = frechet_mean(self._metric(), points)
            warn_of_failures("means", mean.converged)
            base = mean.point[0]
        else:
            base = as_codes(self.base_point, points.dtype)
            if base.shape != points.shape[1:] or not base.isfinite().all():
                raise ValueError(
                    f"base_point must be one finite code of {points.shape[1]} numbers, got shape "
                    f"{tuple(base.shape)}."
                )
        with torch.no_grad():
            frame = orthonormal_frame(self._metric().matrix(base))
        if not frame.isfinite().all():
            raise ValueError(
                f"the metric is rank-deficient at the base point {base.tolist()}; choose another."
            )
        self.base_point_, self.frame_ = base.numpy(), frame.numpy()
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Tangent vectors `(n, d)` of codes `X`, `(n, d)`; NaN where there is no geodesic."""
        check_is_fitted(self)
        points = self._codes(validate_data(self, as_array(X), dtype=_DTYPES, reset=False))
        base = as_codes(self.base_point_, points.dtype).expand_as(points)
        found = log_maps(self._metric(), base, points, exact=self.exact)
        warn_of_failures("log maps", found.converged)
        frame = as_codes(self.frame_, points.dtype)
        return torch.linalg.solve_triangular(frame, found.velocity.T, upper=True).T.numpy()

    def inverse_transform(self, X: Any) -> np.ndarray:
        """Codes `(n, d)` that tangent vectors `X`, `(n, d)`, lead to."""
        check_is_fitted(self)
        vectors = self._codes(check_array(as_array(X), dtype=_DTYPES, ensure_all_finite=False))
        if vectors.shape[1:] != self.base_point_.shape:
            raise ValueError(
                f"X must be tangent vectors (n, {len(self.base_point_)}), got shape "
                f"{tuple(vectors.shape)}."
            )
        base = as_codes(self.base_point_, vectors.dtype).expand_as(vectors)
        velocity = vectors @ as_codes(self.frame_, vectors.dtype).T
        found = exponential(self._metric(), base, velocity.contiguous())
        warn_of_failures("exponential maps", found.converged)
        return found.end.numpy()

    def _metric(self) -> Metric:
        return EuclideanMetric() if self.metric is None else self.metric

    def _codes(self, X: np.ndarray) -> torch.Tensor:
        return as_codes(X, torch.float32 if X.dtype == np.float32 else torch.float64)
