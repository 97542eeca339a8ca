"""Latent spaces, and what a model has to say about its codes."""

from geolatent.latents.brownian_motion_prior import BrownianMotionPrior
from geolatent.latents.code_monitor import CodeReport, codes_of_factors, last_radius, monitor
from geolatent.latents.data_dependent import DataDependent
from geolatent.latents.euclidean_space import EuclideanSpace
from geolatent.latents.hamiltonian_posterior import HamiltonianPosterior
from geolatent.latents.latent_model import (
    BareDecoder,
    CodingModel,
    EncodingModel,
    GenerativeModel,
    LatentModel,
    ScoringModel,
    UncertainModel,
    as_latent_model,
)
from geolatent.latents.latent_space import LatentSpace
from geolatent.latents.leapfrog import Leapfrog
from geolatent.latents.learned_prior import LearnedPrior
from geolatent.latents.learned_prior_space import LearnedPriorSpace
from geolatent.latents.mixture_prior import MixturePrior
from geolatent.latents.product_space import ProductSpace
from geolatent.latents.refined_posterior import Refined, RefinedPosterior
from geolatent.latents.rhvae_space import RhvaeSpace
from geolatent.latents.riemannian_normal_space import RiemannianNormalSpace
from geolatent.latents.sphere_space import SphereSpace
from geolatent.latents.torus_space import TorusSpace
from geolatent.latents.vamp_prior import VampPrior
from geolatent.latents.wrapped_normal_space import WrappedNormalSpace

__all__ = [
    "BareDecoder",
    "BrownianMotionPrior",
    "CodeReport",
    "CodingModel",
    "DataDependent",
    "EncodingModel",
    "EuclideanSpace",
    "GenerativeModel",
    "HamiltonianPosterior",
    "LatentModel",
    "LatentSpace",
    "Leapfrog",
    "LearnedPrior",
    "LearnedPriorSpace",
    "MixturePrior",
    "ProductSpace",
    "Refined",
    "RefinedPosterior",
    "RhvaeSpace",
    "RiemannianNormalSpace",
    "ScoringModel",
    "SphereSpace",
    "TorusSpace",
    "UncertainModel",
    "VampPrior",
    "WrappedNormalSpace",
    "as_latent_model",
    "codes_of_factors",
    "last_radius",
    "monitor",
]
