"""Elementary effects."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float
from typing_extensions import override

from geolatent.assumptions.choices.design import Design
from geolatent.assumptions.choices.factor import Factor
from geolatent.assumptions.choices.plan import Plan, Step
from geolatent.assumptions.choices.salib import salib, unit_problem


@final
@dataclass(frozen=True, kw_only=True)
class Morris(Design):
    r"""Trajectories in which one choice changes at a time: few runs for many choices.

    .. math:: μ^* = \frac1r \sum_{j=1}^{r} |d_j|, \qquad
        d = \frac{y(x + Δ e_i) - y(x)}{Δ}

    `mu_star` is the mean size of the change that a choice makes, over the whole range of its
    levels; `sigma` is the deviation of d between trajectories: large where the change depends on
    the other choices. `mu_star_conf` is the half-width of a 95 % bootstrap interval. Every step
    moves by half the levels. The levels of a factor that is not ordered are shuffled anew in every
    trajectory, so that all of its pairs are compared; the sign of its `mu` means nothing.

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
        return Plan(levels, grid, tuple(steps), block)

    @override
    def indices(
        self, plan: Plan, values: Float[np.ndarray, "n"]
    ) -> tuple[Mapping[str, float], ...]:
        whole = plan.whole(values)
        count = plan.levels.shape[1]
        if whole.sum() < 2 * plan.block:
            return ({},) * count
        _, analyser = salib("morris")
        # The grid's fineness follows from the design: Δ = fine / (2 (fine − 1)).
        moves = [abs(plan.grid[s.after] - plan.grid[s.before]).max() for s in plan.steps]
        fine = round(2 * moves[0] / (2 * moves[0] - 1))
        found = analyser.analyze(
            unit_problem(count),
            plan.grid[whole],
            values[whole],
            num_resamples=1000,
            num_levels=fine,
            seed=self.seed,
        )
        names = ("mu_star", "mu_star_conf", "sigma")
        return tuple({name: float(found[name][k]) for name in names} for k in range(count))


def _fineness(factors: Sequence[Factor]) -> int:
    return math.lcm(2, *(len(factor.levels) for factor in factors))
