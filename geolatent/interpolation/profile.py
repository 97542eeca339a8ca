"""What the decoded data look like along paths."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor


@final
@dataclass(frozen=True)
class Profile:
    """What the decoded data look like along the paths of one kind, at the times of its points.

    What could not be measured is `None`, and `Comparison.left_out` says why. Rows of paths on which
    there is nothing finite to measure are NaN.

    Attributes:
        distance_to_data: from each decoded point to its nearest training datum, in the data's
            units (root mean square over features), `(b, t)`.
        uncertainty: standard deviation that the model states for its decoded data (root mean
            square over features), `(b, t)`.
        cycle_error: what encoding and decoding once more changes, f(e(f(z))) − f(z), in the data's
            units (root mean square over features), `(b, t)`: 0 where decoded data are what the
            model would make of them. Unlike e(f(z)) − z it does not depend on coordinates.
        evidence_bound: of the decoded data (their mean), in nats, `(b, t)`.
        acceleration: second differences of the decoded data over the squared time step, in the
            data's units per unit of time squared (root mean square over features), `(b, s)`.
        class_probability: of each class at the decoded data, `(b, t, c)`.
    """

    distance_to_data: Float[Tensor, "b t"] | None = None
    uncertainty: Float[Tensor, "b t"] | None = None
    cycle_error: Float[Tensor, "b t"] | None = None
    evidence_bound: Float[Tensor, "b t"] | None = None
    acceleration: Float[Tensor, "b s"] | None = None
    class_probability: Float[Tensor, "b t c"] | None = None

    @property
    def end_class_probability(self) -> Float[Tensor, "b t"] | None:
        """The probability of the class that each path ends in.

        Where several are likeliest at the end it is their mean, so that no numbering of the classes
        decides.
        """
        if self.class_probability is None:
            return None
        probability = self.class_probability
        last = probability[:, -1:]
        likeliest = (last == last.amax(-1, keepdim=True)).to(probability)
        found = (probability * likeliest).sum(-1) / likeliest.sum(-1).clamp_min(1)
        return found.masked_fill(probability.isnan().any(-1), torch.nan)

    @property
    def purity(self) -> Float[Tensor, "b t"] | None:
        """The probability of the likeliest class."""
        return None if self.class_probability is None else self.class_probability.amax(-1)
