from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from geolatent.latents import EuclideanSpace
from geolatent.likelihoods import Gaussian, HeteroscedasticGaussian
from geolatent.models import VAE
from geolatent.networks import MLP, RbfPrecisionDecoder


@pytest.fixture
def make_model() -> Callable[..., VAE]:
    """Small models of 6 features, the same ones for the same arguments."""

    def make(*, uncertain: bool = False, width: int = 6, weights_seed: int = 1) -> VAE:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(weights_seed)
            decoder: torch.nn.Module = MLP(2, width, hidden=(8,))
            likelihood: torch.nn.Module = Gaussian(0.5)
            if uncertain:
                decoder = RbfPrecisionDecoder(decoder, 2, width, centres=4)
                likelihood = HeteroscedasticGaussian()
            return VAE(MLP(width, 4, hidden=(8,)), EuclideanSpace(2), decoder, likelihood)

    return make


@pytest.fixture
def parts() -> tuple[Tensor, Tensor]:
    """Training and validation data, 50 and 20 rows; batches of 16 leave a last one of 2."""
    generator = torch.Generator().manual_seed(7)
    codes = torch.randn(70, 2, generator=generator)
    data = torch.tanh(codes @ torch.randn(2, 6, generator=generator))
    data += 0.1 * torch.randn(70, 6, generator=generator)
    return data[:50], data[50:]
