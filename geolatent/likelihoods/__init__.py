"""Likelihoods p(x | features) and the immersions that carry their Fisher-Rao metric."""

from geolatent.likelihoods.bernoulli import Bernoulli
from geolatent.likelihoods.gaussian import Gaussian
from geolatent.likelihoods.heteroscedastic_gaussian import HeteroscedasticGaussian
from geolatent.likelihoods.likelihood import Likelihood

__all__ = ["Bernoulli", "Gaussian", "HeteroscedasticGaussian", "Likelihood"]
