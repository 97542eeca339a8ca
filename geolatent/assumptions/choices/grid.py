"""Every combination."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise, product
from typing import final

import numpy as np
from jaxtyping import Float
from typing_extensions import override

from geolatent.assumptions.choices.design import Design
from geolatent.assumptions.choices.factor import Factor
from geolatent.assumptions.choices.plan import Plan, Step


@final
@dataclass(frozen=True)
class Grid(Design):
    r"""Every level of every factor with every other: a dose response, or few choices in full.

    .. math:: S_1 = \frac{\operatorname{Var} E[y | x_i]}{\operatorname{Var} y}, \qquad
        S_T = 1 - \frac{\operatorname{Var} E[y | x_{-i}]}{\operatorname{Var} y}

    exact for these levels, and therefore without intervals. Steps join neighbouring levels of an
    ordered factor and all pairs of levels of another. Indices need every run.
    """

    @override
    def plan(self, factors: Sequence[Factor]) -> Plan:
        shape = [len(factor.levels) for factor in factors]
        levels = np.array(list(product(*map(range, shape))))
        row = {tuple(point): number for number, point in enumerate(levels.tolist())}
        steps = []
        for k, factor in enumerate(factors):
            places = range(shape[k])
            joined = list(pairwise(places) if factor.ordered else combinations(places, 2))
            for point, before in row.items():
                for low, high in joined:
                    if point[k] == low:
                        other = (*point[:k], high, *point[k + 1 :])
                        steps.append(Step(before, row[other], k))
        return Plan(levels, tuple(steps), len(levels))

    @override
    def indices(
        self, factors: Sequence[Factor], plan: Plan, values: Float[np.ndarray, "n"]
    ) -> tuple[Mapping[str, float], ...]:
        shape = plan.levels.max(0) + 1
        # Without variance there are no shares of it.
        if not np.isfinite(values).all() or np.ptp(values) <= 1e-12 * np.abs(values).max():
            return ({},) * len(shape)
        total = values.var()
        cube = values.reshape(shape)
        axes = range(len(shape))
        found = []
        for k in axes:
            alone = cube.mean(tuple(axis for axis in axes if axis != k)).var()
            others = cube.mean(k).var()
            found.append({"S1": float(alone / total), "ST": float(1 - others / total)})
        return tuple(found)
