"""What is particular to the ball: its points end where the dtype does."""

import pytest
import torch

from geolatent.manifolds import PoincareBall


@pytest.mark.parametrize("length", [0.9, 1.0, 1.1, 2.0, 20.0])
def test_exponential_maps_saturate_at_the_largest_radius(dtype, length):
    m = PoincareBall(3)
    largest = m.largest_radius(dtype)
    direction = torch.randn(256, 3, dtype=dtype)
    v = largest * direction / direction.norm(dim=-1, keepdim=True)
    origin = m.origin(like=v)
    x = m.from_normal_coordinates(origin, length * v)
    assert float(m.distance(origin, x).max()) <= 1.03 * largest
    if length >= 1.0:
        assert float(m.distance(origin, x).min()) >= 0.93 * largest
    # Straight back through the middle, and from everywhere to everywhere.
    for w in (-length * v, length * v.flip(0)):
        y = m.from_normal_coordinates(x, w)
        assert torch.isfinite(m.distance(x, y)).all()
        assert float(m.distance(origin, y).max()) <= 1.03 * largest


def test_the_gradient_of_a_map_that_saturates_is_finite():
    m = PoincareBall(2)
    v = torch.tensor([[30.0, 40.0], [0.0, 0.0], [-9.0, 12.0]], requires_grad=True)
    x = m.from_normal_coordinates(m.origin(like=v), v)
    m.distance(x, m.origin(like=x)).sum().backward()
    assert torch.isfinite(v.grad).all()
