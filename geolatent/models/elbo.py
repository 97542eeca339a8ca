"""The evidence lower bound."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution, kl_divergence

from geolatent.distributions import ProductDistribution
from geolatent.latents import GenerativeModel, RefinedPosterior


class ElboTerms(NamedTuple):
    """The two terms of the bound, in nats for each datum.

    Attributes:
        log_likelihood: log p(x | z), `*b`.
        kl: KL(q(z | x) ‖ p(z)), or its one-sample estimate, `*b`.
        point: the sample of the posterior, `(*b, n)`.
    """

    log_likelihood: Float[Tensor, "*b"]
    kl: Float[Tensor, "*b"]
    point: Float[Tensor, "*b n"]

    def elbo(self, beta: float = 1.0) -> Float[Tensor, "*b"]:
        """log p(x | z) − β KL."""
        return self.log_likelihood - beta * self.kl


def elbo(
    model: GenerativeModel, x: Float[Tensor, "*b p"], *, sampled_kl: bool = False
) -> ElboTerms:
    r"""One reparameterised sample of the bound for each datum, from torch's global generator.

    .. math:: \log p(x) \ge E_q[\log p(x | z)] - KL(q(z | x) ‖ p(z))

    The KL term is analytic where torch knows it, part by part. Otherwise it is log q(z) − log p(z)
    at the sample: unbiased, and negative now and then for a single datum. For a `RefinedPosterior`,
    whose samples are moved, z is where they end, and what it says stands in for log q.

    Args:
        model: the model.
        x: data, `(*b, p)`.
        sampled_kl: take the estimate at the sample although torch knows the KL term: the same
            expectation with other noise, for protocols that were published so.

    Returns:
        Log likelihood and KL, each `*b`.
    """
    posterior, prior = model.posterior(x), model.prior()
    point = posterior.rsample()
    if isinstance(posterior, RefinedPosterior):
        point, log_density, log_joint = posterior.refine(point, joint_density(model, prior, x))
        log_prior = prior.log_prob(point)
        return ElboTerms(log_joint - log_prior, log_density - log_prior, point)
    likelihood = model.distribution_at(point)
    divergence = sampled_kl_term if sampled_kl else kl_term
    return ElboTerms(likelihood.log_prob(x), divergence(posterior, prior, point), point)


def joint_density(
    model: GenerativeModel, prior: Distribution, x: Float[Tensor, "*b p"]
) -> Callable[[Tensor], Tensor]:
    """The function z ↦ log p(x | z) + log p(z) of points, `(*s, *b, n) -> (*s, *b)`."""

    def log_joint(point: Tensor) -> Tensor:
        likelihood = model.distribution_at(point)
        return likelihood.log_prob(x) + prior.log_prob(point)

    return log_joint


def kl_term(
    posterior: Distribution, prior: Distribution, point: Float[Tensor, "*b n"]
) -> Float[Tensor, "*b"]:
    """Analytic KL divergence if there is one, else its estimate at one sample of the posterior.

    Of products it is the sum over their factors, each in its own way.
    """
    if isinstance(posterior, ProductDistribution) and isinstance(prior, ProductDistribution):
        parts = zip(posterior.factors, prior.factors, posterior.split(point), strict=True)
        return torch.stack(torch.broadcast_tensors(*[kl_term(*part) for part in parts])).sum(0)
    try:
        return kl_divergence(posterior, prior)
    except NotImplementedError:
        return sampled_kl_term(posterior, prior, point)


def sampled_kl_term(
    posterior: Distribution, prior: Distribution, point: Float[Tensor, "*b n"]
) -> Float[Tensor, "*b"]:
    """The estimate log q(x) − log p(x) of the KL divergence at one sample of the posterior."""
    return posterior.log_prob(point) - prior.log_prob(point)
