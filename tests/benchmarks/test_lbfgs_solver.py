from evaluator import measure
from lbfgs_solver import LbfgsSolver
from surface_cases import surface_case


def test_finds_the_great_circles():
    case = surface_case("sphere", 5)
    curves = LbfgsSolver(tolerance=1e-8).solve(case.decoder, case.start, case.end)
    length = measure(case, curves).length
    assert abs(length / case.exact_lengths - 1).max() < 1e-4
