"""Geodesics, transport and curvature together: angle excess = integral of K = holonomy."""

import math

import numpy as np
import pytest
import torch

from geolatent.curvature import gaussian, volume_element
from geolatent.geodesics.exponential import exponential
from geolatent.geodesics.logarithm import logarithm
from geolatent.geodesics.parallel_transport import parallel_transport
from geolatent.geodesics.path_velocity import path_velocity
from geolatent.metrics import PullbackMetric
from geolatent.networks import MLP, Torus


def _angle(matrix, u, v):
    """From u to v, counted in the orientation of the codes."""
    cross = (u[0] * v[1] - u[1] * v[0]) * matrix.det().sqrt()
    return torch.atan2(cross, u @ matrix @ v)


def _surface(name):
    if name == "torus":
        return Torus(), torch.tensor([[0.3, 0.2], [1.4, 0.5], [0.6, 1.3]], dtype=torch.float64)
    decoder = MLP(2, 20, hidden=(16, 16)).double().requires_grad_(False)
    for weight in decoder.parameters():
        weight *= 1.5
    return decoder, torch.tensor([[0.0, 0.0], [1.0, 0.2], [0.3, 0.9]], dtype=torch.float64)


@pytest.mark.parametrize("name", ["torus", "decoder"])
def test_geodesic_triangle(name):
    surface, corners = _surface(name)
    metric = PullbackMetric(surface)
    following = corners.roll(-1, 0)
    sides = logarithm(metric, corners, following, tolerance=1e-8)
    t = torch.linspace(0, 1, 33, dtype=torch.float64)
    shot = exponential(metric, corners, sides.velocity, t=t, tolerance=1e-8)
    matrix = metric.matrix(corners)
    outward, arriving = sides.velocity, shot.velocity.roll(1, 0)
    angles = torch.stack([_angle(matrix[i], outward[i], -arriving[i]) for i in range(3)])
    excess = angles.sum() - math.pi

    # K dA over the fan of segments from a centre to the sides.
    nodes, weights = (torch.as_tensor(x) for x in np.polynomial.legendre.leggauss(12))
    nodes, weights = (nodes + 1) / 2, weights / 2
    side, velocity = path_velocity(shot.points, nodes)
    centre = corners.mean(0)
    spoke = side - centre
    z = centre + nodes[:, None] * spoke.unsqueeze(2)
    jacobian = spoke[..., 0] * velocity[..., 1] - spoke[..., 1] * velocity[..., 0]
    area = nodes * jacobian.unsqueeze(2) * volume_element(metric, z)
    total = torch.einsum("stu,t,u->", gaussian(metric, z) * area, weights, weights)
    assert total.abs() > 1e-2
    # The angles are right to 1e-8, the sides of the region to about 1e-7.
    assert (excess - total).abs() < 1e-6

    vector = outward[0]
    for points in shot.points:
        vector = parallel_transport(metric, points[None], vector[None]).vectors[0]
    turned = _angle(matrix[0], outward[0], vector)
    assert (turned - total).abs() < 1e-5
