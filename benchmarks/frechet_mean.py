"""Fréchet means: mean and geodesics together, against taking turns.

    python benchmarks/frechet_mean.py

Every solver gets the same 100 codes in one process on one thread; times are CPU seconds. Means are
judged outside the clock by one evaluator: geodesics in float64 on 64 segments, in both directions
the same for all, and the weighted sum of their squared lengths.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from decoder_cases import decoder_case
from jaxtyping import Float
from measurement import cpu_seconds
from torch import Tensor, nn

from geolatent.geodesics import connect, exponential
from geolatent.metrics import Metric, PullbackMetric
from geolatent.networks import MLP, Sphere, SwissRoll
from geolatent.statistics import frechet_mean, log_maps

_TOLERANCE = 1e-6  # relative decrease of the variance at which all of them stop
_STEPS = 100
_EXACT = 2  # dimensions up to which exact logarithms are waited for

Mean = Float[Tensor, "d"]


class Solved(NamedTuple):
    """A mean and the number of steps it took."""

    point: Mean
    steps: int


class Case(NamedTuple):
    """Codes of a decoder."""

    name: str
    decoder: nn.Module
    codes: Float[Tensor, "b d"]


def joint(metric: Metric, codes: Float[Tensor, "b d"]) -> Solved:
    """Ours."""
    found = frechet_mean(metric, codes, tolerance=_TOLERANCE)
    return Solved(found.point[0], int(found.iterations))


def exp_log(metric: Metric, codes: Float[Tensor, "b d"]) -> Solved:
    """m ← exp_m(mean of exact logarithms), as geometry libraries do."""
    return _alternating(metric, codes, exact=True)


def distance_gradient(metric: Metric, codes: Float[Tensor, "b d"]) -> Solved:
    """m ← m − G⁻¹ ∂ Σ d² / 2n, the geodesics solved for anew before every step."""
    return _alternating(metric, codes, exact=False)


def adam(metric: Metric, codes: Float[Tensor, "b d"]) -> Solved:
    """Adam on the coordinates of the mean, with gradients of distances: what people write."""
    mean = codes.mean(0).requires_grad_()
    spread = float(codes.std(0).mean())
    descent = torch.optim.Adam([mean], lr=0.03 * spread)
    old, step = torch.inf, 0
    while step < _STEPS:
        step += 1
        logs = log_maps(metric, mean.detach().expand_as(codes).contiguous(), codes)
        new = float(logs.length.square().mean())
        if abs(old - new) < _TOLERANCE * new:
            break
        old = new
        mean.grad = -metric.matrix(mean.detach()) @ logs.velocity.mean(0)
        descent.step()
    return Solved(mean.detach(), step)


def _alternating(metric: Metric, codes: Tensor, *, exact: bool) -> Solved:
    mean, length, step = codes.mean(0), 1.0, 0
    old, best = torch.inf, mean
    while step < _STEPS:
        step += 1
        logs = log_maps(metric, mean.expand_as(codes).contiguous(), codes, exact=exact)
        new = float(logs.length.square().mean())
        if abs(old - new) < _TOLERANCE * new:
            break
        if new > old:
            length /= 2
        else:
            old, best, move = new, mean, logs.velocity.nan_to_num().mean(0)
        mean = best + length * move
        if exact:
            mean = exponential(metric, best[None], length * move[None]).end[0]
    return Solved(best, step)


SOLVERS: dict[str, Callable[[Metric, Tensor], Solved]] = {
    "joint": joint,
    "distance gradient": distance_gradient,
    "Adam": adam,
    "exp-log": exp_log,
}


def cases(folder: Path, count: int) -> list[Case]:
    """Surfaces, random decoders and a trained one, in float32."""
    torch.manual_seed(0)
    sphere = torch.tensor([0.3, 0.0]) + 0.4 * torch.randn(count, 2)
    roll = torch.tensor([5.0, 0.0]) + torch.rand(count, 2) * torch.tensor([5.0, 10.0])
    found = [Case("sphere", Sphere(), sphere), Case("swiss roll", SwissRoll(), roll)]
    for dim in (2, 10):
        decoder = MLP(dim, 30, hidden=(32, 32)).requires_grad_(False)
        for weight in decoder.parameters():
            weight *= 1.5
        name = f"random tanh decoder, {dim} → 32 → 32 → 30"
        found.append(Case(name, decoder, torch.randn(count, dim)))
    trained = decoder_case("small", folder)
    found.append(
        Case("trained on digits, 2 → 64 → 64 → 64", trained.decoder, trained.codes[:count])
    )
    return found


def judged(case: Case, mean: Mean) -> float:
    """The Fréchet function at a mean."""
    decoder = case.decoder.double()
    codes = case.codes.double()
    start = mean.double().expand_as(codes).contiguous()
    variance = float(connect(PullbackMetric(decoder), start, codes).length.square().mean())
    case.decoder.float()
    return variance


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--codes", type=int, default=100)
    parser.add_argument("--output", type=Path, default=Path("runs/benchmarks"))
    options = parser.parse_args()
    print(f"| codes of | {' | '.join(SOLVERS)} | time over that of joint, in order |")
    print("| --- |" + " ---: |" * (len(SOLVERS) + 1))
    for case in cases(options.output, options.codes):
        metric = PullbackMetric(case.decoder)
        seconds, values, steps = [], [], []
        for name, solve in SOLVERS.items():
            if name == "exp-log" and case.codes.shape[1] > _EXACT:
                seconds.append(torch.nan)
                steps.append(0)
                values.append(torch.nan)
                continue
            solve(metric, case.codes[:3])  # warms up
            spent, found = cpu_seconds(lambda: solve(metric, case.codes))  # noqa: B023
            seconds.append(spent)
            steps.append(found.steps)
            values.append(judged(case, found.point))
        least = min(value for value in values if value == value)
        cells = [
            f"{spent:.2g} s, {count} / {value / least - 1:.0e}"
            for spent, count, value in zip(seconds, steps, values, strict=True)
        ]
        ratios = ", ".join(f"{spent / seconds[0]:.2g} ×" for spent in seconds[1:])
        print(f"| {case.name} | {' | '.join(cells)} | {ratios} |", flush=True)


if __name__ == "__main__":
    main()
