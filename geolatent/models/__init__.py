"""Models and their objectives."""

from geolatent.models.elbo import ElboTerms, elbo
from geolatent.models.iwae import iwae
from geolatent.models.vae import VAE, sample

__all__ = ["VAE", "ElboTerms", "elbo", "iwae", "sample"]
