"""Shares of variance."""

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
class Sobol(Design):
    r"""Shares of the variance of an effect that choices explain, every level equally likely.

    .. math:: S_1 = \frac{\operatorname{Var} E[y | x_i]}{\operatorname{Var} y}, \qquad
        S_T = 1 - \frac{\operatorname{Var} E[y | x_{-i}]}{\operatorname{Var} y}

    `S1` is what a choice explains alone, `ST` what it explains together with others too; `_conf`
    are half-widths of 95 % bootstrap intervals. For the effects, two runs that differ in one factor
    are compared for every one of the `samples`.

    Args:
        samples: N, a power of two; each costs two runs more than there are factors.
        seed: of the design.

    Raises:
        ValueError: `samples` is no power of two above one.

    References:
        Sobol, I. M. (2001). Global sensitivity indices for nonlinear mathematical models and their
        Monte Carlo estimates. Math. Comput. Simul. 55.
        Saltelli, A. et al. (2010). Variance based sensitivity analysis of model output. Design and
        estimator for the total sensitivity index. Comput. Phys. Commun. 181(2).
    """

    samples: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        if self.samples < 2 or self.samples & (self.samples - 1):
            raise ValueError(f"samples must be a power of two above one, got {self.samples}.")

    @override
    def plan(self, factors: Sequence[Factor]) -> Plan:
        sampler, _ = salib("sobol")
        problem = unit_problem(len(factors))
        grid = sampler.sample(problem, self.samples, calc_second_order=False, seed=self.seed)
        counts = np.array([len(factor.levels) for factor in factors])
        levels = np.minimum(grid * counts, counts - 1).astype(int)
        block = len(factors) + 2
        # Each block: a point, the point with one factor redrawn, for every factor, the other point.
        steps = tuple(
            Step(first, first + 1 + k, k)
            for first in range(0, len(levels), block)
            for k in range(len(factors))
            if levels[first, k] != levels[first + 1 + k, k]
        )
        return Plan(levels, steps, block)

    @override
    def indices(
        self, factors: Sequence[Factor], plan: Plan, values: Float[np.ndarray, "n"]
    ) -> tuple[Mapping[str, float], ...]:
        whole = plan.whole(values)
        count = plan.levels.shape[1]
        kept = values[whole]
        # Without variance there are no shares of it.
        if len(kept) < 2 * plan.block or np.ptp(kept) <= 1e-12 * np.abs(kept).max():
            return ({},) * count
        _, analyser = salib("sobol")
        found = analyser.analyze(
            unit_problem(count),
            kept,
            calc_second_order=False,
            num_resamples=1000,
            seed=self.seed + 1,  # 0 would take numpy's global generator
        )
        names = ("S1", "S1_conf", "ST", "ST_conf")
        return tuple({name: float(found[name][k]) for name in names} for k in range(count))
