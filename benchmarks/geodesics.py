"""Geodesics: our engine and its peers side by side, in one process with one thread.

    python benchmarks/geodesics.py                       everything; hours, most of it peers
    python benchmarks/geodesics.py surfaces small mlp2   some cases
    python benchmarks/geodesics.py --quick               a minute: few pairs, small decoders

It needs the extra `benchmarks`; a peer that is not installed is left out and said so. Results go to
`--output`: geodesics.md, geodesics.json, one plot a case, and, kept for the next run, trained
decoders and references.
"""

import argparse
import os
import warnings
from collections.abc import Sequence
from pathlib import Path

_QUICK = ("sphere", "torus", "small")
_QUICK_PAIRS = 8
_PAIRS = 100


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; 0 if every target that was tried is met or --quick."""
    options = _parser().parse_args(arguments)
    # geoopt, imported by geolatent, scripts functions; torch announces the end of that.
    warnings.filterwarnings("ignore", message=r".*torch\.jit")
    # Before torch is imported: several threads on busy cores are many times slower than one.
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    from session import Session

    session = Session(
        options.output,
        pairs=_QUICK_PAIRS if options.quick else _PAIRS,
        quick=options.quick,
        only=options.solvers,
    )
    default = _QUICK if options.quick else ("all",)
    return session.run(options.cases or default)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "cases",
        nargs="*",
        metavar="case",
        help="all, surfaces, decoders, or names: sphere, paraboloid, torus, ellipsoid, swiss-roll, "
        "hyperbolic-patch, small, mlp2, mlp10, convolutional, spiral, growth, distance-matrix",
    )
    parser.add_argument("--quick", action="store_true", help="few pairs, small decoders, a minute")
    parser.add_argument(
        "--solvers",
        nargs="+",
        metavar="word",
        help="only those whose name contains one of the words, for example: geolatent GEORCE",
    )
    parser.add_argument("--output", type=Path, default=Path("runs/benchmarks"), metavar="folder")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
