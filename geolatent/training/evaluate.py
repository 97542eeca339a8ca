"""The bound on held-out data."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.data import checked_data
from geolatent.models import VAE, elbo, iwae
from geolatent.numerics.held_numbers import HELD_AT_ONCE
from geolatent.training.evaluation_mode import evaluation_mode
from geolatent.training.model_input import model_input
from geolatent.training.negative_kl_error import NegativeKlError, is_beyond_chance
from geolatent.training.random_state import isolated_random

EVALUATION_BATCH = 1024  # items at once


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Averages in nats an item, every item with the same weight.

    Args:
        log_likelihood: E_q log p(x | z).
        kl: KL(q(z | x) ‖ p(z)).
        iwae: importance-weighted bound on log p(x), or None if it was not asked for.
        items: how many items.
        samples: draws from the posterior for each.
    """

    log_likelihood: float
    kl: float
    iwae: float | None
    items: int
    samples: int

    @property
    def elbo(self) -> float:
        """The evidence lower bound, log likelihood − KL."""
        return self.log_likelihood - self.kl

    def loss(self, beta: float) -> float:
        """−log likelihood + β KL."""
        return beta * self.kl - self.log_likelihood


def evaluate(
    model: VAE,
    data: Float[Tensor, "n p"],
    *,
    samples: int = 1,
    importance_samples: int = 0,
    batch_size: int = EVALUATION_BATCH,
    chunk: int = HELD_AT_ONCE,
    seed: int = 0,
) -> Evaluation:
    """Evaluate a model on data it was not trained on.

    The model is put into evaluation mode meanwhile. The result is the same whenever the arguments
    are, and the caller's random state stays as it was.

    Args:
        model: a trained model.
        data: shape (n, p).
        samples: draws from the posterior for each item.
        importance_samples: draws for the importance-weighted bound; 0 leaves it out.
        batch_size: items at once; it decides which draw belongs to which item.
        chunk: numbers to hold at once for the importance-weighted bound, which bounds the memory.
        seed: of the draws.

    Returns:
        The averages.

    Raises:
        ValueError: the data do not fit the model, or a number is out of range.
        ArithmeticError: the log likelihood or the importance-weighted bound exceeds what the
            likelihood can give, or the KL divergence is clearly negative (`NegativeKlError`).
    """
    given = {
        "samples": (samples, 1),
        "importance_samples": (importance_samples, 0),
        "batch_size": (batch_size, 1),
        "chunk": (chunk, 1),
    }
    for name, (value, least) in given.items():
        if value < least:
            raise ValueError(f"{name}={value} must be at least {least}.")
    dtype = data.dtype if data.is_floating_point() else torch.float32
    x, _ = checked_data(data, name="data", dtype=dtype, allow_constant=True)
    x = model_input(model, x, name="data")
    terms = evaluate_terms(model, x, samples=samples, batch_size=batch_size, seed=seed)
    importance = None
    if importance_samples:
        with torch.no_grad(), isolated_random(seed), evaluation_mode(model):
            batches = (
                iwae(model, batch, samples=importance_samples, chunk=chunk)
                for batch in x.split(batch_size)
            )
            total = float(torch.stack([b.double().sum() for b in batches]).sum())
            excess = total + float(model.likelihood.floor(x).double().sum())
        if is_beyond_chance(excess, len(x)):
            raise ArithmeticError(
                f"The importance-weighted bound is {excess / len(x):.4g} nats an item above the "
                f"greatest value that a {type(model.likelihood).__name__} likelihood can give: "
                "posterior or prior are no densities where draws lie. Evaluate the model in "
                "float64 (model.double()), and look at how far out its codes are."
            )
        importance = total / len(x)
    log_likelihood, kl = terms
    return Evaluation(
        log_likelihood=log_likelihood, kl=kl, iwae=importance, items=len(x), samples=samples
    )


@torch.no_grad()
def evaluate_terms(
    model: VAE, x: Float[Tensor, "n p"], *, samples: int, batch_size: int, seed: int
) -> tuple[float, float]:
    """The mean log likelihood and KL of data that were checked before.

    Args:
        model: the model.
        x: data on its device and in its dtype, shape (n, p).
        samples: draws for each item.
        batch_size: items at once.
        seed: of the draws.

    Returns:
        Both means, in nats an item.

    Raises:
        ArithmeticError: the log likelihood of an item exceeds what the likelihood can give, or
            the KL divergence is clearly negative.
    """
    sums = []
    with isolated_random(seed), evaluation_mode(model):
        for batch in x.split(batch_size):
            most = -model.likelihood.floor(batch)
            for _ in range(samples):
                terms = elbo(model, batch)
                sums.append(
                    torch.stack(
                        [
                            terms.log_likelihood.double().sum(),
                            terms.kl.double().sum(),
                            _excess(terms.log_likelihood, most),
                        ]
                    )
                )
    table = torch.stack(sums)
    if float(table[:, 2].max()) > 0:
        raise ArithmeticError(
            f"The log likelihood of an item exceeds the greatest value that a "
            f"{type(model.likelihood).__name__} likelihood can give by {table[:, 2].max():.3g} "
            "nats: the number is wrong, not good. Check the likelihood and its floor."
        )
    draws = samples * len(x)
    log_likelihood, kl = (table[:, :2].sum(0) / draws).tolist()
    if is_beyond_chance(-kl * draws, draws):
        raise NegativeKlError(kl=kl, dtype=x.dtype, where=f"of {len(x)} that were held out")
    return log_likelihood, kl


def _excess(log_likelihood: Tensor, most: Tensor) -> Tensor:
    """How far the greatest log likelihood lies above its bound, beyond rounding."""
    # A sum of p terms that nearly cancels keeps about four of float32's seven digits.
    slack = 1e-4 * (1 + most.abs().nan_to_num(posinf=0.0))
    return (log_likelihood - most - slack).max().double()
