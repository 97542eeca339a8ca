"""Decoders of known geometry, claim by claim."""

import math
from collections.abc import Callable, Iterator
from functools import cache, partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from geolatent.assumptions import (
    Assumption,
    DeclaredGeometry,
    Flat,
    Immersion,
    Isometric,
    Measurement,
    Smooth,
    SolverConverged,
    StraightLines,
    Subject,
    UniqueGeodesics,
)
from geolatent.calibration.embedded import Embedded
from geolatent.calibration.hyperbolic_twin import Pseudosphere, hyperbolic_twin
from geolatent.calibration.imperfect_decoders import (
    Folded,
    Hill,
    Kinked,
    NoisyPlane,
    Undefined,
)
from geolatent.calibration.patch import Patch
from geolatent.calibration.simulation import Simulation
from geolatent.calibration.solve import solve
from geolatent.networks import (
    HyperbolicPatch,
    MeasuredSurface,
    Paraboloid,
    Sphere,
    StretchedPlane,
    SwissRoll,
    Torus,
)

_CODES = 500  # of a subject: enough for every claim's own number of codes, pairs and triangles
_SEED = 20_261_127
_MANY = 6_000  # codes of the one large subject that stands in for a closed form


def straight_lines() -> Iterator[Simulation]:
    """Affine, noisy, rolled, stretched off the data; sphere, paraboloid, hyperbolic, torus."""
    claim = StraightLines()
    yield _plane(claim)
    yield _noisy(claim)
    yield _of(claim, "Swiss roll", _square(SwissRoll(), (2.5, 0.0), 2.0), 0.0)
    edge = claim.claim.tolerance.at_most
    for name, make, sizes, between in (
        ("sphere", _sphere, (0.6, 1.05, 1.35, 1.5), (1.0, 1.5)),
        ("hyperbolic patch", _hyperbolic, (0.6, 1.05, 1.4, 1.6), (0.9, 1.6)),
        ("paraboloid", _paraboloid, (0.8, 1.25, 1.6, 2.0), (1.2, 1.6)),
        ("stretched off the data", _stretched, (1.0, 4.0, 6.0, 8.0), (3.0, 8.0)),
    ):
        share = partial(_share_of_bent, make, claim.threshold)
        at_edge = solve(share, edge, *between)
        for size in sorted([*sizes, at_edge]):
            yield _of(claim, f"{name}, size {size:.3g}", make(size), share(size))
    for size in (0.6, 1.0):
        yield _torus(claim, claim, size)


def isometric() -> Iterator[Simulation]:
    """Planes stretched in one direction or off the data; sphere and paraboloid."""
    claim = Isometric()
    yield _noisy(claim, exact=False)
    edge = claim.claim.tolerance.at_most
    for name, make, sizes, between in (
        ("affine, unequal", _unequal, (1.05, 1.15, 1.5, 2.0), (1.1, 1.7)),
        ("sphere", _sphere, (0.6, 0.85, 1.1, 1.3), (0.8, 1.2)),
        ("paraboloid", _paraboloid, (0.8, 1.2, 1.7, 2.2), (1.2, 1.7)),
        ("stretched off the data", _stretched, (0.3, 0.8, 2.0, 4.0), (0.5, 2.0)),
    ):
        spread = partial(_spread, make)
        at_edge = solve(spread, edge, *between)
        for size in sorted([*sizes, at_edge]):
            yield _of(claim, f"{name}, size {size:.3g}", make(size), spread(size))


def flat() -> Iterator[Simulation]:
    """Flat ones, all but flat ones, and surfaces that are curved in places."""
    claim = Flat()
    yield _plane(claim)
    yield _noisy(claim)
    yield _of(claim, "Swiss roll", _square(SwissRoll(), (2.5, 0.0), 2.0), 0.0)
    yield _of(claim, "stretched off the data", _stretched(4.0), 0.0)
    for name, make, between in (
        ("sphere", _sphere, (0.1, 1.5)),
        ("hyperbolic", _hyperbolic, (0.1, 1.65)),
    ):
        # All codes are as curved: the share is 0 or 1, and jumps.
        for curved in (0.1, 0.3, 0.5, 0.58, 0.62, 0.7, 0.9):
            size = solve(partial(_squared_distance, make), curved, *between)
            effect = float(curved > claim.threshold)
            yield _of(claim, f"{name}, |K| ℓ² = {curved:g}", make(size), effect)

    share = partial(_share_curved, claim.threshold)
    at_edge = solve(share, claim.claim.tolerance.at_most, 0.6, 0.9)
    for size in (0.4, 0.6, at_edge, 0.85, 1.0):
        yield _of(claim, f"paraboloid, size {size:.3g}", _paraboloid(size), share(size))
    for size in (0.6, 1.0):
        yield _torus(claim, Flat(codes=_MANY), size)


def immersion() -> Iterator[Simulation]:
    """Planes that lose a direction at a share of the codes, or everywhere."""
    claim = Immersion()
    yield _plane(claim)
    yield _of(claim, "sphere", _sphere(1.0), 0.0)
    for share in (0.0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1):
        # Within 0.001 of the fold the direction counts for less than 0.001 already.
        decoder = Folded(1 + claim.threshold - share) if share else Folded(1.2)
        yield Simulation(
            assumption=claim,
            family=f"rank-deficient at a share of {share:g}",
            effect=share,
            draw=_drawn(_uniform, decoder, 2),
        )
    yield Simulation(
        assumption=claim,
        family="rank-deficient everywhere",
        effect=1.0,
        draw=_drawn(_uniform, Folded(-1.0), 2),
    )


def smooth() -> Iterator[Simulation]:
    """Surfaces without kinks, and kinks that a share of the codes is near to."""
    claim = Smooth()
    yield _plane(claim)
    yield _noisy(claim)
    for name, patch in (("sphere", _sphere(1.4)), ("hyperbolic patch", _hyperbolic(1.4))):
        yield _of(claim, name, patch, 0.0)
    for share in (0.02, 0.05, 0.1, 0.15, 0.25):
        left = solve(share_near_kinks, share, 0.0, 0.5)
        yield Simulation(
            assumption=claim,
            family=f"kinks near a share of {share:g}",
            effect=share,
            draw=_drawn(partial(_lopsided, left=left), Kinked(), 3),
        )


def declared_geometry() -> Iterator[Simulation]:
    """Constant curvatures of both signs, and a model that declares the one that it has."""
    claim = DeclaredGeometry()
    yield _plane(claim)
    yield _of(claim, "Swiss roll", _square(SwissRoll(), (2.5, 0.0), 2.0), 0.0)
    for name, sign, make, between in (
        ("sphere", 1.0, _sphere, (0.1, 1.5)),
        ("hyperbolic patch", -1.0, _hyperbolic, (0.1, 1.65)),
    ):
        for curved in (0.05, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0):
            size = solve(partial(_squared_side, make), curved, *between)
            patch = make(size)
            yield Simulation(
                assumption=claim,
                family=f"{name}, K ℓ² = {sign * curved:g}",
                effect=sign * curved,
                known={"typical curvature": sign},
                draw=_unscaled(patch),
            )
    many = DeclaredGeometry(triangles=_MANY // 3)
    for size in (0.6, 0.9):
        patch = _paraboloid(size)
        effect = _of_many(many, Paraboloid(), patch.codes(_MANY, _generator(_SEED)))
        yield _of(claim, f"paraboloid, size {size:g}", patch, effect)
    twin = Pseudosphere()

    def draw(seed: int) -> Subject:
        into = 3 + seed % 18
        decoder = Embedded(twin, 3, into=into, seed=seed)
        codes = 0.6 * torch.randn(_CODES, 2, generator=_generator(seed)).clamp(-2.4, 2.4)
        return Subject(hyperbolic_twin(decoder, into), codes, seed=seed)

    yield Simulation(assumption=claim, family="hyperbolic, as declared", effect=0.0, draw=draw)


def unique_geodesics() -> Iterator[Simulation]:
    """Surfaces without cut points, and a hill between two clouds of codes."""
    claim = UniqueGeodesics()
    yield _plane(claim)
    # Without positive curvature there is one geodesic (Cartan and Hadamard).
    yield _of(claim, "hyperbolic patch", _hyperbolic(1.0), 0.0)
    yield _of(claim, "sphere, less than a quarter", _sphere(0.7), 0.0)
    for share in (0.02, 0.05, 0.1, 0.18, 0.3, 0.5):
        left = (1 - math.sqrt(1 - 2 * share)) / 2  # 2 p (1 − p) of the pairs are on both sides
        yield Simulation(
            assumption=claim,
            family=f"a hill between a share of {share:g}",
            effect=share,
            draw=_drawn(partial(_two_clouds, left=left), Hill(), 3),
        )


def solver_converged() -> Iterator[Simulation]:
    """Surfaces on which all geodesics exist, and a plane that ends within the codes."""
    claim = SolverConverged()
    yield _plane(claim)
    yield _noisy(claim)
    yield _of(claim, "Swiss roll", _square(SwissRoll(), (2.5, 0.0), 2.0), 0.0)
    for name, patch in (
        ("sphere", _sphere(1.2)),
        ("hyperbolic patch", _hyperbolic(1.4)),
        ("paraboloid", _paraboloid(1.5)),
        ("stretched off the data", _stretched(4.0)),
    ):
        yield _of(claim, name, patch, 0.0)
    for share in (0.01, 0.03, 0.05, 0.08, 0.12, 0.2):
        yield Simulation(
            assumption=claim,
            family=f"not a number for a share of {share:g}",
            effect=share,
            draw=_drawn(_uniform, Undefined(math.sqrt(1 - share)), 2),
        )


def share_near_kinks(left: float) -> float:
    """The population effect of `smooth` on `Kinked`, with a share of the codes in its left half.

    A second difference of step h along u notices a kink that is nearer than h |u₁| σ₁.
    """
    mean = 0.25 * left + 0.75 * (1 - left)
    deviation = math.sqrt((left + 7 * (1 - left)) / 12 - mean**2)
    expected = 2 / math.pi  # of |u₁| over the circle
    return 16 * 2 * left * 2 * 0.05 * deviation * expected


Make = Callable[[float], Patch]


def _share_of_bent(make: Make, threshold: float, size: float) -> float:
    return make(size).share_of_bent(threshold)


def _spread(make: Make, size: float) -> float:
    return make(size).spread_of_ratios()


def _squared_distance(make: Make, size: float) -> float:
    return make(size).median_distance() ** 2


def _squared_side(make: Make, size: float) -> float:
    return make(size).median_side() ** 2


def _share_curved(threshold: float, size: float) -> float:
    """Of codes of a paraboloid, where K = (1 + r²)⁻²."""
    patch = _paraboloid(size)
    codes = patch.codes(20_000, torch.Generator().manual_seed(1))
    curvature = (1 + codes.square().sum(1)) ** -2
    return float((curvature * patch.median_distance() ** 2 > threshold).double().mean())


def _square(surface: MeasuredSurface, centre: tuple[float, float], half: float) -> Patch:
    middle = torch.tensor(centre, dtype=torch.float64)
    return Patch(surface, lambda u: middle + half * (2 * u - 1))


@cache
def _sphere(half: float) -> Patch:
    return _square(Sphere(), (0.0, 0.0), half)


@cache
def _hyperbolic(half: float) -> Patch:
    return _square(HyperbolicPatch(), (1.7, 0.0), half)


@cache
def _paraboloid(half: float) -> Patch:
    return _square(Paraboloid(), (0.0, 0.0), half)


@cache
def _stretched(steepness: float) -> Patch:
    """Codes left and right of the steep middle."""

    def place(u: Tensor) -> Tensor:
        side = torch.where(u[:, 0] < 0.5, -1.0, 1.0)
        along = 0.6 + 0.6 * (2 * u[:, 0] % 1)
        return torch.stack([side * along, 8 * u[:, 1] - 4], 1)

    return Patch(StretchedPlane(steepness), place)


@cache
def _unequal(ratio: float) -> Patch:
    """A plane, with codes that are measured in another unit along its second coordinate."""

    class Stretch(MeasuredSurface):
        def forward(self, z: Float[Tensor, "*b 2"]) -> Float[Tensor, "*b 3"]:
            return torch.cat([z[..., :1], ratio * z[..., 1:], 0 * z[..., :1]], -1)

        def distance(
            self, start: Float[Tensor, "*b 2"], end: Float[Tensor, "*b 2"]
        ) -> Float[Tensor, "*b"]:
            return (self(end) - self(start)).norm(dim=-1)

    return _square(Stretch(), (0.0, 0.0), 1.0)


def _of(claim: Assumption, family: str, patch: Patch, effect: float) -> Simulation:
    """Codes on a patch, decoded into a data space of random dimension."""
    return Simulation(
        assumption=claim,
        family=family,
        effect=effect,
        draw=_drawn(lambda n, g: patch.codes(n, g).float(), patch.surface, 3),
    )


def _drawn(
    sample: Callable[[int, torch.Generator], Tensor], decoder: nn.Module, features: int
) -> Callable[[int], Subject]:
    """Fresh codes and a data space of random dimension, unit and direction for every seed."""

    def draw(seed: int) -> Subject:
        codes = sample(_CODES, _generator(seed))
        into = features + seed % 18
        return Subject(Embedded(decoder, features, into=into, seed=seed), codes, seed=seed)

    return draw


def _unscaled(patch: Patch) -> Callable[[int], Subject]:
    """As drawn by `_of`, but in the unit of the surface: the curvature is then the same for all."""

    def draw(seed: int) -> Subject:
        codes = patch.codes(_CODES, _generator(seed)).float()
        decoder = Embedded(patch.surface, 3, into=3 + seed % 18, seed=seed, scale=1.0)
        return Subject(decoder, codes, seed=seed)

    return draw


def _plane(claim: Assumption) -> Simulation:
    def draw(seed: int) -> Subject:
        generator = _generator(seed)
        matrix = torch.randn(2, 2 + seed % 18, generator=generator)
        return Subject(lambda z: z @ matrix.to(z), _uniform(_CODES, generator), seed=seed)

    return Simulation(assumption=claim, family="affine", effect=0.0, draw=draw)


def _noisy(claim: Assumption, *, exact: bool = True) -> Simulation:
    def draw(seed: int) -> Subject:
        decoder = NoisyPlane(3 + seed % 18, seed=seed)
        return Subject(decoder, _uniform(_CODES, _generator(seed)), seed=seed)

    return Simulation(
        assumption=claim, family="affine with noise", effect=0.0, exact=exact, draw=draw
    )


def _torus(claim: Assumption, many: Assumption, half: float) -> Simulation:
    """Where the curvature changes its sign; the truth is one large audit."""

    def sample(count: int, generator: torch.Generator) -> Tensor:
        drawn = 2 * torch.rand(count, 2, generator=generator) - 1
        return half * drawn + torch.tensor([1.0, 0.0])

    effect = _of_many(many, Torus(), sample(_MANY, _generator(_SEED)))
    return Simulation(
        assumption=claim,
        family=f"torus, size {half:g}",
        effect=effect,
        draw=_drawn(sample, Torus(), 3),
    )


@torch.no_grad()
def _of_many(claim: Assumption, decoder: nn.Module, codes: Tensor) -> float:
    """The effect in one large sample, where no closed form is known."""
    found = claim.measure(Subject(decoder, codes.double(), pairs=len(codes) // 2, seed=_SEED))
    if not isinstance(found, Measurement):
        raise ValueError(f"{claim.claim.name} does not apply: {found.reason}")
    return found.effect


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _uniform(count: int, generator: torch.Generator) -> Float[Tensor, "count 2"]:
    return torch.rand(count, 2, generator=generator)


def _lopsided(count: int, generator: torch.Generator, left: float) -> Float[Tensor, "count 2"]:
    """Uniform in the unit square, but for the share of codes in its left half."""
    codes = _uniform(count, generator) * torch.tensor([0.5, 1.0])
    right = torch.rand(count, generator=generator) >= left
    codes[:, 0] += 0.5 * right
    return codes


def _two_clouds(count: int, generator: torch.Generator, left: float) -> Float[Tensor, "count 2"]:
    """At −1 and 1 on the first axis."""
    side = torch.where(torch.rand(count, generator=generator) < left, -1.0, 1.0)
    codes = 0.05 * torch.randn(count, 2, generator=generator)
    codes[:, 0] += side
    return codes
