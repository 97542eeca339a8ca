"""The error of a divergence that none can have."""

import torch

# e^-25 is the chance of a sum of log ratios as low as this, however many draws there are.
_CHANCE = 25.0
# Of the mean, for rounding, and for priors that are densities to leading order only.
_SLACK = 0.1


class NegativeKlError(ArithmeticError):
    """A mean KL divergence is negative, by more than chance and rounding give.

    Args:
        kl: the mean, in nats an item.
        dtype: of the model.
        where: in the run, or of which data, in words.
    """

    def __init__(self, *, kl: float, dtype: torch.dtype, where: str) -> None:
        self.kl = kl
        super().__init__(
            f"The mean KL divergence is {kl:.4g} nats an item {where}, and none is ever negative: "
            f"draws lie where {dtype} does not hold the densities of posterior and prior "
            "(or one of them is no density), and no number of this model can be trusted. What "
            "usually helps: the model in float64 (model.double()); a smaller prior_scale, fewer "
            "dimensions or a curvature nearer to zero; Lorentz, which stores points farther out "
            "than PoincareBall; a smaller learning rate."
        )


def is_beyond_chance(total: float, draws: int) -> bool:
    r"""Whether a sum of logarithms is greater than those of density ratios can be.

    .. math:: E\Bigl[\prod_i r_i\Bigr] \le 1 \implies P\Bigl(\sum_i \log r_i > t\Bigr) \le e^{-t}

    by Markov's inequality, whatever the variance. The left side holds for the ratios
    :math:`p(z) / q(z)` of draws from q, with the negative KL terms as logarithms, for the weights
    of importance sampling over the greatest value of a likelihood, and while the parameters are
    trained, since every draw is made with parameters that do not know it yet.

    Args:
        total: the sum, in nats.
        draws: how many terms it has; each may be off by a tenth of a nat.
    """
    return total > _CHANCE + _SLACK * draws
