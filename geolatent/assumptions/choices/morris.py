"""Elementary effects."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Int
from typing_extensions import override

from geolatent.assumptions.choices.design import Design
from geolatent.assumptions.choices.factor import Factor
from geolatent.assumptions.choices.plan import Plan, Step
from geolatent.assumptions.choices.salib import salib, unit_problem
from geolatent.assumptions.mean_interval import mean_interval


@final
@dataclass(frozen=True, kw_only=True)
class Morris(Design):
    r"""Trajectories in which one choice changes at a time: few runs for many choices.

    .. math:: μ^* = \frac1r \sum_{j=1}^{r} |d_j|, \qquad
        d = \frac{y(x + Δ e_i) - y(x)}{Δ}

    Δ is the share of the factor's range that a step really moves, its levels being equally far
    apart: `mu_star` is the change of the effect from the first level to the last if it goes in
    proportion, and the mean of slopes over the range otherwise. A factor that is not ordered has no
    range: |Δ| = 1, and `mu_star` is the mean change from one level to another. It is in the unit of
    the effect, and the numbers of levels of the other factors do not matter.

    `mu_star_conf` is the half-width of Student's 95 % interval. `sigma` is the deviation of d
    between trajectories: large where the change depends on the other choices, or on where in the
    range it is made. Without an order it is the deviation between steps of the same two levels, so
    that only the other choices count; NaN if no two levels were compared twice.

    Every step moves by half the levels, rounded up or down. The levels of a factor that is not
    ordered are shuffled anew in every trajectory, so that all of its pairs are compared.

    Args:
        trajectories: r; each costs one run more than there are factors.
        seed: of the design.

    Raises:
        ValueError: there are fewer than two trajectories.

    References:
        Morris, M. D. (1991). Factorial sampling plans for preliminary computational experiments.
        Technometrics 33(2).
        Campolongo, F., Cariboni, J., Saltelli, A. (2007). An effective screening design for
        sensitivity analysis of large models. Environ. Model. Softw. 22(10).
    """

    trajectories: int = 4
    seed: int = 0

    def __post_init__(self) -> None:
        if self.trajectories < 2:
            raise ValueError(f"trajectories must be at least 2, got {self.trajectories}.")

    @override
    def plan(self, factors: Sequence[Factor]) -> Plan:
        sampler, _ = salib("morris")
        fine = _fineness(factors)
        grid = sampler.sample(
            unit_problem(len(factors)), self.trajectories, num_levels=fine, seed=self.seed
        )
        # Whole steps of a grid that every number of levels divides: a move by half of it changes
        # the level of every factor.
        cells = np.round(grid * (fine - 1)).astype(int)
        counts = np.array([len(factor.levels) for factor in factors])
        levels = cells * counts // fine
        random = np.random.default_rng(self.seed)
        block = len(factors) + 1
        for first in range(0, len(levels), block):
            rows = slice(first, first + block)
            for k, factor in enumerate(factors):
                if not factor.ordered:
                    levels[rows, k] = random.permutation(counts[k])[levels[rows, k]]
        steps = []
        for row in range(len(levels) - 1):
            if (row + 1) % block:
                (moved,) = np.flatnonzero(grid[row] != grid[row + 1])
                steps.append(Step(row, row + 1, int(moved)))
        return Plan(levels, tuple(steps), block)

    @override
    def indices(
        self, factors: Sequence[Factor], plan: Plan, values: Float[np.ndarray, "n"]
    ) -> tuple[Mapping[str, float], ...]:
        whole = plan.whole(values)
        if whole.sum() < 2 * plan.block:
            return ({},) * len(factors)
        found = []
        for k, factor in enumerate(factors):
            steps = [step for step in plan.steps if step.factor == k and whole[step.before]]
            ends = plan.levels[[(step.before, step.after) for step in steps], k]
            changes = np.array([values[step.after] - values[step.before] for step in steps])
            effects = changes / [factor.moved(*pair) for pair in ends.tolist()]
            low, high = mean_interval(np.abs(effects))
            # Without an order only steps between the same two levels are alike.
            alike = np.zeros_like(ends) if factor.ordered else np.sort(ends)
            found.append(
                {
                    "mu_star": float(np.abs(effects).mean()),
                    "mu_star_conf": (high - low) / 2,
                    "sigma": _deviation_within(alike, effects),
                }
            )
        return tuple(found)


def _deviation_within(groups: Int[np.ndarray, "n 2"], values: Float[np.ndarray, "n"]) -> float:
    """Standard deviation from the means of groups; NaN if each has one value only."""
    _, group = np.unique(groups, axis=0, return_inverse=True)
    group = group.ravel()  # numpy 2.0 gives it a second axis
    size = np.bincount(group)
    mean = np.bincount(group, values) / size
    freedom = len(values) - len(size)
    return math.sqrt(np.square(values - mean[group]).sum() / freedom) if freedom else math.nan


def _fineness(factors: Sequence[Factor]) -> int:
    return math.lcm(2, *(len(factor.levels) for factor in factors))
