"""The table of the training benchmark, and its targets."""

from markdown_report import targets_table
from targets import Check, at_least
from throughput import Throughput

EUCLIDEAN, POINCARE, LORENTZ = "geolatent Euclidean", "geolatent Poincaré", "geolatent Lorentz"
LOGGED = "geolatent Euclidean, with log, checkpoints and progress"
RHVAE = "geolatent RHVAE"
BARE, PYTHAE = "bare VAE, fused Adam", "pythae VAE"
PYTHAE_POINCARE, PYTHAE_RHVAE = "pythae PoincareVAE", "pythae RHVAE"

# Ours, over whom, and how much at least.
_TARGETS = (
    (EUCLIDEAN, BARE, 0.9),
    (EUCLIDEAN, PYTHAE, 1.6),
    (POINCARE, PYTHAE_POINCARE, 2.0),
    (LORENTZ, PYTHAE_POINCARE, 2.0),
    (POINCARE, EUCLIDEAN, 0.75),
    (LORENTZ, EUCLIDEAN, 0.75),
    (RHVAE, PYTHAE_RHVAE, 5.0),
    (LOGGED, EUCLIDEAN, 0.9),
)


def checks(results: list[Throughput]) -> list[Check]:
    """The targets that can be decided: both loops were run."""
    speeds = {(r.name, r.dim): r.per_second for r in results}
    found = []
    for dim in dict.fromkeys(r.dim for r in results):
        for own, other, least in _TARGETS:
            mine, theirs = speeds.get((own, dim)), speeds.get((other, dim))
            if mine is not None and theirs is not None:
                found.append(at_least(f"d = {dim}", f"{own} / {other}", mine / theirs, least))
    return found


def training_report(setting: str, results: list[Throughput], found: list[Check]) -> str:
    """The whole report."""
    dims = list(dict.fromkeys(r.dim for r in results))
    by_key = {(r.name, r.dim): r for r in results}
    lines = [("loop", *(f"d = {d}{what}" for d in dims for what in (", samples / s", ", / bare")))]
    lines.append(("---", *["---:"] * (2 * len(dims))))
    for name in dict.fromkeys(r.name for r in results):
        cells: list[str] = []
        for dim in dims:
            speed = by_key[name, dim].per_second if (name, dim) in by_key else None
            bare = by_key[BARE, dim].per_second if (BARE, dim) in by_key else None
            slowest = by_key[name, dim].slowest if speed is not None else None
            cells.append("–" if speed is None else f"{speed:,.0f} ({slowest:,.0f})")
            cells.append("–" if speed is None or bare is None else f"{speed / bare:.2f}")
        lines.append((name, *cells))
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    failures = {f"- {r.name}: {r.failure}" for r in results if r.failure is not None}
    parts = ["# Training: geolatent and its peers", setting, _HOW_TO_READ, table]
    parts += ["\n".join(sorted(failures))] if failures else []
    parts += ["## Targets", targets_table(found)] if found else []
    return "\n\n".join(parts) + "\n"


_HOW_TO_READ = """\
784–400–d–400–784 autoencoders with ReLU on 5000 images, Bernoulli likelihood, batches of 128, Adam:
samples per CPU second of the process after the first epoch, all loops in one process one after the
other and from the beginning in every round, of the best round (and of the worst one). The machine
is shared: compare within one run only."""
