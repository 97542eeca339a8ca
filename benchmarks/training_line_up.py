"""Who trains."""

import torch
from bare_loops import BareLoop, BareVae, GeooptPoincareVae
from own_loop import OwnLoop
from pythae_loop import PythaeLoop
from training_loop import TrainingLoop
from training_report import BARE, EUCLIDEAN, LOGGED, LORENTZ, POINCARE, RHVAE

from geolatent.latents import (
    EuclideanSpace,
    RhvaeSpace,
    RiemannianNormalSpace,
    SphereSpace,
    WrappedNormalSpace,
)
from geolatent.manifolds import Lorentz, PoincareBall, Sphere


def line_up(dim: int) -> list[TrainingLoop]:
    """Ours, what people write themselves, and pythae's.

    Args:
        dim: of the codes.
    """
    return [
        OwnLoop(EUCLIDEAN, dim, EuclideanSpace),
        OwnLoop(LOGGED, dim, EuclideanSpace, logged=True),
        OwnLoop(POINCARE, dim, lambda d: WrappedNormalSpace(PoincareBall(d))),
        OwnLoop(LORENTZ, dim, lambda d: WrappedNormalSpace(Lorentz(d))),
        OwnLoop(
            f"{LORENTZ}, float64",
            dim,
            lambda d: WrappedNormalSpace(Lorentz(d)),
            dtype=torch.float64,
        ),
        OwnLoop(
            "geolatent Poincaré, Riemannian normal",
            dim,
            lambda d: RiemannianNormalSpace(PoincareBall(d)),
            # In float32 and 20 dimensions the ball cannot hold the prior.
            dtype=torch.float32 if dim < 12 else torch.float64,
        ),
        OwnLoop(RHVAE, dim, RhvaeSpace),
        OwnLoop("geolatent sphere", dim, lambda d: SphereSpace(Sphere(d))),
        BareLoop(BARE, dim, BareVae),
        BareLoop("bare VAE, Adam", dim, BareVae, fused=False),
        BareLoop("geoopt Poincaré VAE, fused Adam", dim, GeooptPoincareVae),
        BareLoop(
            "geoopt Poincaré VAE, fused Adam, float64",
            dim,
            GeooptPoincareVae,
            dtype=torch.float64,
        ),
        *(PythaeLoop(kind, dim) for kind in ("VAE", "PoincareVAE", "RHVAE")),
    ]
