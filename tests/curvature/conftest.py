import pytest
import torch

from geolatent.metrics import Metric


class MatrixOnly(Metric):
    """A metric with its immersion or closed forms hidden."""

    def __init__(self, metric):
        self._metric = metric

    def matrix(self, z):
        return self._metric.matrix(z)


class ConformalBall(Metric):
    """Hyperbolic space of curvature −1 in the coordinates of the Poincaré ball."""

    def matrix(self, z):
        factor = 2 / (1 - z.square().sum(-1))
        return factor.square()[..., None, None] * torch.eye(z.shape[-1], dtype=z.dtype)


@pytest.fixture
def by_matrix():
    return MatrixOnly


@pytest.fixture
def ball():
    return ConformalBall()
