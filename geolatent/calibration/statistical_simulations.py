"""Codes and data of known distribution, claim by claim."""

import math
from collections.abc import Iterator
from functools import cache, partial
from statistics import NormalDist, fmean

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from typing_extensions import override

from geolatent.assumptions import (
    Measurement,
    MonotonePaths,
    NoDuplicates,
    NoNuisance,
    PathsStayOnData,
    PosteriorActive,
    PriorMatch,
    Represented,
    Subject,
    TreeLike,
    UncertaintyGrows,
)
from geolatent.calibration.hyperbolic_twin import hyperbolic_twin
from geolatent.calibration.linear_model import linear_model
from geolatent.calibration.simulation import Simulation
from geolatent.calibration.solve import solve
from geolatent.interpolation import nearest_distance
from geolatent.latents import UncertainModel
from geolatent.metrics import EuclideanMetric, Metric

_SEED = 20_261_127


def prior_match() -> Iterator[Simulation]:
    """Aggregated posteriors that are shifted, too narrow, or rippled more finely than is seen."""
    claim = PriorMatch()
    for distance in (0.0, 0.1, 0.2, 0.3, 0.5):
        shift = 2 * _normal_quantile((1 + distance) / 2)

        def shifted(seed: int, shift: float = shift) -> Subject:
            x = _normal(200, 2, seed)
            x[:, 0] += shift / 0.9
            return _encoded([0.9, 0.9], x, seed)

        yield Simulation(
            assumption=claim, family=f"shifted by {shift:.2f}", effect=distance, draw=shifted
        )
    for size in (0.9, solve(_narrow, 0.2, 0.5, 0.99, falls=True), 0.6, 0.45):

        def narrow(seed: int, size: float = size) -> Subject:
            return _encoded([0.8 * size, 0.8 * size], _normal(200, 2, seed), seed, 0.6 * size)

        yield Simulation(
            assumption=claim,
            family=f"narrower, {size:.2f}",
            effect=_narrow(size),
            draw=narrow,
        )
    for waves in (1, 20):

        def rippled(seed: int, waves: int = waves) -> Subject:
            x = _rippled(200, waves, seed)
            return _encoded([1.0], x, seed, scale=0.01)

        yield Simulation(
            assumption=claim,
            family=f"half of {2 * waves} stripes empty",
            effect=0.5,
            draw=rippled,
            blind="" if waves == 1 else "stripes are narrower than what 200 codes tell",
        )


def no_nuisance() -> Iterator[Simulation]:
    """A site that shifts codes; with labels, and beside a label that does."""
    claim = NoNuisance()
    for readable in (0.0, 0.1, 0.25, 0.4, 0.6):
        shift = 2 * _normal_quantile((1 + readable) / 2)

        def shifted(seed: int, shift: float = shift) -> Subject:
            generator = _generator(seed)
            site = torch.randint(0, 2, (150,), generator=generator)
            codes = torch.randn(150, 2, generator=generator)
            codes[:, 0] += shift * site
            return Subject(nn.Identity(), codes, nuisance={"site": site}, seed=seed)

        yield Simulation(
            assumption=claim,
            family=f"site shifts by {shift:.2f}",
            effect=readable,
            draw=shifted,
        )

    def explained(seed: int) -> Subject:
        generator = _generator(seed)
        label = torch.randint(0, 2, (200,), generator=generator)
        agrees = torch.rand(200, generator=generator) < 0.8
        site = torch.where(agrees, label, 1 - label)
        codes = torch.randn(200, 2, generator=generator)
        codes[:, 0] += 3 * label
        return Subject(nn.Identity(), codes, labels=label, nuisance={"site": site}, seed=seed)

    yield Simulation(assumption=claim, family="explained by the label", effect=0.0, draw=explained)


def represented() -> Iterator[Simulation]:
    """Groups whose squared errors have a known ratio, with normal and with long tails."""
    claim = Represented()
    for ratio in (1.0, 1.5, 2.0, 2.7, 4.0):
        for tails, sizes in (("normal", (150, 150)), ("normal", (270, 30)), ("long", (150, 150))):

            def groups(
                seed: int, ratio: float = ratio, tails: str = tails, sizes: tuple[int, int] = sizes
            ) -> Subject:
                rng = np.random.default_rng(seed)
                label = torch.arange(2).repeat_interleave(torch.tensor(sizes))
                drawn = rng.normal(size=(sum(sizes), 3))
                if tails == "long":
                    drawn = rng.standard_t(6, size=(sum(sizes), 3))
                codes = _normal(len(label), 3, seed)
                error = torch.where(label == 1, ratio, 1.0)[:, None].sqrt()
                data = codes + error * torch.from_numpy(drawn).float()
                return Subject(nn.Identity(), codes, data=data, labels=label, seed=seed)

            yield Simulation(
                assumption=claim,
                family=f"{sizes[0]} and {sizes[1]}, {tails} tails, ratio {ratio:g}",
                effect=ratio,
                draw=groups,
            )


def no_duplicates() -> Iterator[Simulation]:
    """Data of which a share was copied from the training data."""
    claim = NoDuplicates()
    for share in (0.0, 0.005, 0.02, 0.04, 0.06, 0.1):

        def copied(seed: int, share: float = share) -> Subject:
            generator = _generator(seed)
            training = torch.randn(500, 6, generator=generator)
            data = torch.randn(400, 6, generator=generator)
            copy = torch.rand(400, generator=generator) < share
            data[copy] = training[:400][copy] + 1e-3
            return Subject(nn.Identity(), data, data=data, training=training, seed=seed)

        yield Simulation(
            assumption=claim, family=f"a share of {share:g} copied", effect=share, draw=copied
        )


def posterior_active() -> Iterator[Simulation]:
    """Dimensions of which some have collapsed, and dimensions near the threshold of activity."""
    claim = PosteriorActive()
    for dim, collapsed in ((4, 0), (12, 1), (4, 1), (4, 4)):
        gains = [0.01] * collapsed + [0.9] * (dim - collapsed)
        yield Simulation(
            assumption=claim,
            family=f"{collapsed} of {dim} collapsed",
            effect=collapsed / dim,
            draw=partial(_active, gains),
        )
    for dim, near in ((2, 1), (10, 10)):
        for factor in (0.6, 0.95, 1.05, 1.6):
            gains = [math.sqrt(factor * claim.threshold)] * near + [0.9] * (dim - near)
            yield Simulation(
                assumption=claim,
                family=f"{near} of {dim} at {factor:g} of the threshold",
                effect=near / dim if factor < 1 else 0.0,
                draw=partial(_active, gains),
            )


def uncertainty_grows() -> Iterator[Simulation]:
    """An uncertainty that follows the distance from given codes, more or less."""
    claim = UncertaintyGrows()
    correlation = cache(_correlation)
    edge = solve(correlation, 0.5, 0.2, 5.0, falls=True)
    for noise in (0.0, 0.3, 0.7, 1.0, edge, 2.0, 3.0, 6.0):
        yield Simulation(
            assumption=claim,
            family=f"ripples of {noise:.2f}",
            effect=correlation(noise),
            draw=partial(_uncertain, noise),
        )


def paths_stay_on_data() -> Iterator[Simulation]:
    """Codes on an arc: the longer it is, the more chords leave it."""
    claim = PathsStayOnData()
    share = cache(_share_off_arc)
    edge = solve(share, 0.2, 0.3, 3.0)
    for angle in (0.3, 0.7, edge, 2.0, 3.0, 6.0):

        def on_arc(seed: int, angle: float = angle) -> Subject:
            codes = _arc(400, angle, _generator(seed))
            return Subject(nn.Identity(), codes, data=codes, seed=seed)

        yield Simulation(
            assumption=claim, family=f"arc of {angle:.2f}", effect=share(angle), draw=on_arc
        )


def tree_like() -> Iterator[Simulation]:
    """Leaves of a tree, whose distances are ultrametric, with noise."""
    claim = TreeLike()
    ratio = cache(_delta_ratio)
    edge = solve(ratio, 0.5, 0.0, 1.0)
    for noise in (0.0, 0.1, 0.2, edge, 0.4, 0.6, 1.5):

        def leaves(seed: int, noise: float = noise) -> Subject:
            data = _leaves(800, noise, _generator(seed))
            model = hyperbolic_twin(nn.Linear(3, data.shape[1]), data.shape[1])
            return Subject(model, _normal(800, 2, seed), data=data, seed=seed)

        yield Simulation(
            assumption=claim,
            family=f"tree with noise {noise:.2f}",
            effect=ratio(noise),
            draw=leaves,
        )


def monotone_paths() -> Iterator[Simulation]:
    """Two classes side by side, and in stripes that some paths have to cross."""
    claim = MonotonePaths()
    for gap in (0.1, 0.6, 3.0, 5.0):

        def beside(seed: int, gap: float = gap) -> Subject:
            generator = _generator(seed)
            label = torch.randint(0, 2, (400,), generator=generator)
            codes = torch.randn(400, 2, generator=generator)
            codes[:, 0] += gap * label
            return Subject(nn.Identity(), codes, labels=label, seed=seed)

        yield Simulation(
            assumption=claim,
            family=f"two normals {gap:g} apart",
            effect=_overtaken(gap, claim.threshold),
            draw=beside,
        )
    for outer in (0.1, 0.18, math.sqrt(0.1), 0.35, 0.45, 0.5):

        def striped(seed: int, outer: float = outer) -> Subject:
            generator = _generator(seed)
            # A B A B from left to right, the outermost ones with a share of their own.
            weights = torch.tensor([outer, 1 - outer, 1 - outer, outer])
            stripe = torch.multinomial(weights, 600, replacement=True, generator=generator)
            codes = torch.rand(600, 2, generator=generator)
            codes[:, 0] = 2 * stripe + 0.2 + 0.6 * codes[:, 0]
            return Subject(nn.Identity(), codes, labels=stripe % 2, seed=seed)

        yield Simulation(
            assumption=claim,
            family=f"stripes, outer {outer:.2f}",
            effect=_crossing(outer),
            draw=striped,
        )


def _crossing(outer: float) -> float:
    """Of the paths between classes: those between the first and the last of A B A B."""
    # Each class has its halves with probabilities `outer` and `1 − outer`.
    return outer**2


def _overtaken(gap: float, threshold: float) -> float:
    """Of the paths from N(0, 1) to N(gap, 1): those that go back far enough for P(B) to fall."""
    start, end = torch.randn(2, 100_000, generator=_generator(_SEED), dtype=torch.float64)
    # The midpoint of the two means is where both classes are as likely.
    start, end = start - gap / 2, end + gap / 2
    fall = torch.sigmoid(gap * start) - torch.sigmoid(gap * end)
    return float((fall > threshold).double().mean())


@cache
def _narrow(size: float) -> float:
    """Total variation of N(0, s² 1) and N(0, 1) in the plane, where r² is exponential."""
    square = 4 * math.log(1 / size) / (1 / size**2 - 1)
    return math.exp(-square / 2) - math.exp(-square / size**2 / 2)


class Rippled(UncertainModel):
    """The identity, with the distance from the origin and fast ripples as its uncertainty.

    Args:
        noise: height of the ripples.
    """

    def __init__(self, noise: float) -> None:
        self.noise = noise

    @override
    def assumed_metric(self) -> Metric:
        return EuclideanMetric()

    @override
    def induced_metric(self) -> Metric:
        return EuclideanMetric()

    @override
    def decode(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"]:
        return z

    @override
    def uncertainty(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b"]:
        return z.norm(dim=-1) + self.noise * (1 + torch.sin(100 * z[..., 0]))


def _uncertain(noise: float, seed: int) -> Subject:
    """The same codes for every seed: the effect is about these."""
    return Subject(Rippled(noise), _normal(300, 2, _SEED), seed=seed)


def _correlation(noise: float) -> float:
    """The effect with many points: it is known to 0.0025, a sixteenth of what an audit knows."""
    found = UncertaintyGrows(points=100_000).measure(_uncertain(noise, _SEED))
    assert isinstance(found, Measurement)  # the model says how uncertain it is
    return found.effect


def _arc(count: int, angle: float, generator: torch.Generator) -> Tensor:
    turn = angle * torch.rand(count, generator=generator)
    noise = 0.05 * torch.randn(count, 2, generator=generator)
    return torch.stack([turn.cos(), turn.sin()], 1) + noise


def _share_off_arc(angle: float) -> float:
    """Mean over many known halves of 200 of the share of midpoints beyond the limit."""
    shares = []
    for k in range(60):
        generator = _generator(_SEED + k)
        known = _arc(200, angle, generator)
        limit = nearest_distance(_arc(2000, angle, generator), known).quantile(0.95)
        pairs = _arc(4000, angle, generator).view(2, 2000, 2)
        shares.append(float((nearest_distance(pairs.mean(0), known) > limit).double().mean()))
    return fmean(shares)


_LEVELS = 5


def _leaves(count: int, noise: float, generator: torch.Generator) -> Tensor:
    """Random leaves of a binary tree, each edge along its own axis; noise on all axes."""
    turns = torch.randint(0, 2, (count, _LEVELS), generator=generator)
    node, axes = torch.zeros(count, dtype=torch.long), []
    for level in range(_LEVELS):
        node = 2 * node + turns[:, level]
        axes.append(nn.functional.one_hot(node, 2 ** (level + 1)))
    exact = torch.cat(axes, 1).float()
    return exact + noise * torch.randn(exact.shape, generator=generator)


def _delta_ratio(noise: float) -> float:
    """Mean relative δ of 10 000 quadruples, over that of normal data."""
    data = _leaves(40_000, noise, _generator(_SEED)).double()
    values, axes = torch.linalg.eigh(data.T.cov())
    normal = torch.randn(data.shape, generator=_generator(_SEED + 1), dtype=torch.float64)
    normal = (normal * values.clamp_min(0).sqrt()) @ axes.T
    return _mean_delta(data) / _mean_delta(normal)


def _mean_delta(x: Tensor) -> float:
    a, b, c, d = x.chunk(4)
    sides = [(p - q).norm(dim=1) for p, q in ((a, b), (c, d), (a, c), (b, d), (a, d), (b, c))]
    sums = torch.stack([sides[k] + sides[k + 1] for k in (0, 2, 4)]).sort(0).values
    widest = torch.stack(sides).amax(0)
    return float(((sums[2] - sums[1]) / torch.where(widest > 0, widest, 1)).mean())


def _rippled(count: int, waves: int, seed: int) -> Tensor:
    """Unit normals without every second of 2 · waves stripes of equal probability."""
    generator = _generator(seed)
    stripe = torch.randint(0, waves, (count, 1), generator=generator)
    share = (stripe + torch.rand(count, 1, generator=generator) / 2) / waves
    return torch.special.ndtri(share.double().clamp(1e-6, 1 - 1e-6)).float()


def _active(gains: list[float], seed: int) -> Subject:
    return _encoded(gains, _normal(400, len(gains), seed), seed)


def _encoded(gains: list[float], x: Tensor, seed: int, scale: float | None = None) -> Subject:
    model = linear_model(gains, scale=scale)
    return Subject(model, model.encode(x), data=x, seed=seed)


def _normal(count: int, dim: int, seed: int) -> Tensor:
    return torch.randn(count, dim, generator=_generator(seed))


def _normal_quantile(share: float) -> float:
    return NormalDist().inv_cdf(share)


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
