"""The interface of designs: which runs, and what their results say of the choices."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from geolatent.assumptions.choices.factor import Factor
from geolatent.assumptions.choices.plan import Plan


class Design(ABC):
    """Which levels of the factors are run together."""

    @abstractmethod
    def plan(self, factors: Sequence[Factor]) -> Plan:
        """The runs.

        Raises:
            MissingExtra: the package that the design comes from is not installed.
        """

    @abstractmethod
    def indices(
        self, factors: Sequence[Factor], plan: Plan, values: Float[np.ndarray, "n"]
    ) -> tuple[Mapping[str, float], ...]:
        """What the values say of each factor, by the names of the indices.

        Args:
            factors: that the runs were planned for.
            plan: of this design.
            values: of a measured effect, a row for each run; NaN where there is none.

        Returns:
            A mapping for each factor; empty where nothing can be said.
        """
