"""What tests of several statistics share."""

import math
from dataclasses import replace

import pytest
import torch

from geolatent.geodesics import connect


@pytest.fixture
def integral():
    """Midpoint rule over the volume of a rectangle of codes."""
    return _integral


def _integral(metric, log_density, low, high, cells=40):
    """Midpoint rule over the volume of a rectangle of codes."""
    axes = [
        a + (b - a) * (torch.arange(cells, dtype=torch.float64) + 0.5) / cells
        for a, b in zip(low, high, strict=True)
    ]
    grid = torch.cartesian_prod(*axes)
    cell = math.prod((b - a) / cells for a, b in zip(low, high, strict=True))
    return (
        float((log_density(grid).exp() * torch.linalg.det(metric.matrix(grid)).sqrt()).sum()) * cell
    )


@pytest.fixture
def unfinished():
    """`connect`, but nothing that it finds has converged."""

    def function(*arguments, **options):
        path = connect(*arguments, **options)
        return replace(path, converged=path.converged & False)

    return function
