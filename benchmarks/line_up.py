"""Which solvers run on which case, with which settings and limits."""

from adam_solver import AdamSolver
from case import Case
from engine import GRAPH, Engine, engines
from geomstats_solver import GeomstatsSolver
from georce import Georce
from latent_geometry_solver import LatentGeometrySolver
from lbfgs_solver import LbfgsSolver
from solver import Solver
from stochman_solver import StochmanSolver

STOCHMAN = "stochman, default"


def line_up(case: Case, *, quick: bool) -> list[Solver]:
    """Ours first, then the others from the fastest to the slowest.

    Args:
        case: its kind decides.
        quick: small limits, and only what fits into them.
    """
    if case.kind == "convolutional":
        return [*engines(double=False), *_convolutional()]
    if case.kind == "spiral":
        return [Engine(GRAPH, codes=case.codes), *engines(double=True, quick=True), *_spiral()]
    surface = case.kind == "surface"
    shared: list[Solver] = [
        *engines(double=True, quick=quick),
        *_georce(quick=quick, pairs=100 if case.start.shape[-1] <= 2 else 10),
        LbfgsSolver(),
        StochmanSolver(STOCHMAN),
        *(AdamSolver(rate=1e-2, steps=steps) for steps in ((100,) if quick else (100, 500))),
    ]
    if quick:
        return [*shared, LatentGeometrySolver("latent-geometry", one_by_one=True, seconds=2)]
    iterations = 1000 if surface else 300
    few = 10 if surface else 5
    return [
        *shared,
        *(AdamSolver(rate=3e-2, steps=steps) for steps in (100, 500)),
        StochmanSolver("stochman, one by one", one_by_one=True, pairs=10),
        StochmanSolver(f"stochman, {iterations} iterations, 10 nodes", iterations=iterations),
        GeomstatsSolver("geomstats, boundary value", method="ode", nodes=10, pairs=few, seconds=60),
        GeomstatsSolver(
            "geomstats, path straightening",
            method="straightening",
            nodes=33 if surface else 17,
            pairs=few,
            seconds=40,
        ),
        LatentGeometrySolver("latent-geometry", one_by_one=True, pairs=few, seconds=60),
    ]


def _georce(*, quick: bool, pairs: int) -> list[Solver]:
    """With its authors' tolerance of 1e-4, with a tighter one, and with fewer nodes."""
    settings = ((25, 1e-4),) if quick else ((25, 1e-4), (50, 1e-4), (100, 1e-4), (100, 1e-6))
    limits = {"pairs": pairs, "seconds": 400}
    return [Georce(segments=n, tolerance=tolerance, **limits) for n, tolerance in settings]


def _spiral() -> list[Solver]:
    """What people take, at its default or at the rate that is best on the other decoders."""
    return [
        *_georce(quick=True, pairs=10),
        LbfgsSolver(),
        StochmanSolver(STOCHMAN),
        *(AdamSolver(rate=1e-2, steps=steps) for steps in (100, 500)),
    ]


def _convolutional() -> list[Solver]:
    """The peers that come to an end: Adam, L-BFGS, and GEORCE within its time."""
    return [
        LbfgsSolver(segments=16, seconds=300),
        *(
            AdamSolver(rate=rate, steps=steps, segments=16, seconds=600)
            for rate in (1e-2, 3e-2)
            for steps in (50, 100)
        ),
        StochmanSolver(STOCHMAN, seconds=600),
        Georce(segments=25, seconds=600),
    ]
