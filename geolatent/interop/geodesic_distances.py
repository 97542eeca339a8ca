"""Geodesic distances for scikit-learn's `metric="precomputed"`."""

from typing import Any, final

import numpy as np
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from geolatent.geodesics import distance_matrix
from geolatent.interop.array_codes import as_array, as_codes
from geolatent.metrics import EuclideanMetric, Metric
from geolatent.metrics.require_codes import require_metric
from geolatent.statistics.warn_of_failures import warn_of_failures


@final
class GeodesicDistances(TransformerMixin, BaseEstimator):
    """Codes to their geodesic distances from the codes that it was fitted to.

    For every estimator that takes `metric="precomputed"`::

        make_pipeline(GeodesicDistances(metric), KNeighborsClassifier(metric="precomputed"))

    Args:
        metric: on codes; the flat one if not given.
        method: of `distance_matrix`: exact, graph or landmarks.
        segments: of the geodesics.
        workers: processes that solve for them.

    Attributes:
        codes_: that it was fitted to, `(n, d)`.

    Warns:
        RuntimeWarning: some geodesics failed (NaN) or have not converged (an upper bound).
    """

    def __init__(
        self,
        metric: Any = None,  # scikit-learn wants anything taken here and refused by `fit`
        *,
        method: Any = "exact",
        segments: Any = 32,
        workers: Any = 1,
    ) -> None:
        self.metric = metric
        self.method = method
        self.segments = segments
        self.workers = workers

    def fit(self, X: Any, y: Any = None) -> "GeodesicDistances":
        """Remember the codes `X`, `(n, d)`."""
        if self.metric is not None:
            require_metric(self.metric)
        self.codes_ = validate_data(self, as_array(X), dtype=[np.float64, np.float32], copy=True)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Distances `(m, n)` of codes `X`, `(m, d)`, from those it was fitted to."""
        check_is_fitted(self)
        codes = validate_data(self, as_array(X), dtype=[np.float64, np.float32], reset=False)
        if codes.shape == self.codes_.shape and np.array_equal(codes, self.codes_):
            return self._between(None)
        return self._between(codes)

    def fit_transform(self, X: Any, y: Any = None, **_: Any) -> np.ndarray:
        """Distances `(n, n)` between the codes, each pair solved for once."""
        return self.fit(X)._between(None)

    def _between(self, codes: np.ndarray | None) -> np.ndarray:
        dtype = torch.float32 if self.codes_.dtype == np.float32 else torch.float64
        fitted = as_codes(self.codes_, dtype)
        metric: Metric = EuclideanMetric() if self.metric is None else self.metric
        options: dict[str, Any] = {
            "method": self.method,
            "segments": self.segments,
            "workers": self.workers,
            "progress": False,
        }
        if codes is None:
            found = distance_matrix(metric, fitted, **options)
        else:
            found = distance_matrix(metric, as_codes(codes, dtype), fitted, **options)
        warn_of_failures("distances", found.converged)
        return found.values.numpy()
