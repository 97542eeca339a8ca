import numpy as np
import torch
from evaluator import measure
from georce import Georce, _energy, _expand
from solver import straight_nodes, through_nodes
from surface_cases import surface_case


def test_converges_to_the_closed_form_on_the_sphere():
    case = surface_case("sphere", 10)
    start, end = case.start.double(), case.end.double()
    errors = []
    for segments in (25, 50, 100):
        solver = Georce(segments=segments, tolerance=1e-9, dtype=torch.float64)
        nodes = solver.nodes(case.decoder, start, end)
        length = measure(case, through_nodes(nodes)).length
        errors.append(np.max(length / case.exact_lengths - 1))
    assert 0 < errors[2] < 1e-4
    # Its energy takes G at the left end of each chord, so that its minimisers are off by O(1/T)
    # and their lengths by O(1/T²).
    assert errors[0] / errors[1] > 3
    assert errors[1] / errors[2] > 3


def test_its_gradient_is_that_of_its_energy():
    case = surface_case("torus", 3)
    nodes = straight_nodes(case.start.double(), case.end.double(), 5)
    nodes[:, 1:-1] += 0.1 * torch.randn(3, 4, 2, dtype=torch.float64)
    leaf = nodes.clone().requires_grad_()
    expected = torch.autograd.grad(_energy(case.decoder, leaf).sum(), leaf)[0][:, 1:-1]
    assert torch.allclose(_expand(case.decoder, nodes).gradient(), expected, atol=1e-12)


def test_curves_do_not_depend_on_their_batch():
    case = surface_case("torus", 4)
    solver = Georce(segments=20)
    together = solver.nodes(case.decoder, case.start, case.end)
    alone = solver.nodes(case.decoder, case.start[2:3], case.end[2:3])
    assert torch.allclose(together[2:3], alone, atol=1e-5)
