import numpy as np
import pytest
import torch
from case import Case
from evaluator import measure
from solver import straight_nodes, through_nodes
from surface_cases import SURFACES, Ellipsoid, surface_case


def test_a_meridian_has_its_length_and_its_energy():
    case = surface_case("sphere", 1)
    start = torch.tensor([[-1.0, 0.5]])
    end = torch.tensor([[0.5, 0.5]])
    found = measure(case, through_nodes(straight_nodes(start, end, 8)))
    assert found.length == pytest.approx([1.5], rel=1e-12)
    assert found.energy == pytest.approx([2.25], rel=1e-12)


def test_uneven_speed_costs_energy_and_no_length():
    flat = Case("plane", "surface", torch.nn.Identity(), torch.zeros(1, 2), torch.ones(1, 2))

    def curves(t):
        return np.stack([t**2, t**2], axis=1)[None]

    found = measure(flat, curves)
    assert found.length == pytest.approx([2**0.5])
    assert found.energy == pytest.approx([8 / 3])  # ∫ 2 (2t)² dt


def test_a_curve_that_failed_is_nan_and_leaves_the_others():
    case = surface_case("sphere", 2)
    nodes = straight_nodes(case.start, case.end, 8)
    nodes[0, 3] = torch.nan
    found = measure(case, through_nodes(nodes))
    assert np.isnan(found.energy).tolist() == [True, False]


@pytest.mark.parametrize("name", SURFACES)
def test_no_surface_has_a_straight_line_shorter_than_its_exact_distance(name):
    case = surface_case(name, 20)
    if isinstance(case.decoder, Ellipsoid):
        pytest.importorskip("geographiclib")
    if case.exact_lengths is None:
        assert name in ("paraboloid", "torus")
        return
    straight = measure(case, through_nodes(straight_nodes(case.start, case.end, 128)))
    assert (straight.length >= case.exact_lengths * (1 - 1e-9)).all()
    assert (straight.length > case.exact_lengths * (1 + 1e-4)).any()
