"""Decoders of other packages, where these are installed (docs/foreign_decoders.md)."""

import pytest
import torch

from geolatent.assumptions import audit
from geolatent.interop import DiffusersDecoder, PythaeDecoder, ScviDecoder
from geolatent.metrics import PullbackMetric

WARNINGS_OF_OTHERS = "ignore:.*:DeprecationWarning"  # of what the packages import


def is_audited(decoder, codes):
    """Geodesics are found, no direction is lost, and the module is as it was."""
    report = audit(decoder, codes, assumptions=["solver-converged", "immersion"], pairs=20)
    assert report["solver-converged"].effect <= 0.1  # these decoders have kinks
    assert report["immersion"].effect == 0
    assert all(parameter.grad is None for parameter in decoder.parameters())


def differences(metric, codes):
    """The metric from central differences of what the decoder gives."""
    step = 1e-5
    columns = [
        (metric.immersion(codes + step * e) - metric.immersion(codes - step * e)) / (2 * step)
        for e in torch.eye(codes.shape[1], dtype=codes.dtype)
    ]
    jacobian = torch.stack(columns, -1)
    return jacobian.mT @ jacobian


@pytest.mark.filterwarnings(WARNINGS_OF_OTHERS)
def test_pythae():
    models = pytest.importorskip("pythae.models")
    model = models.VAE(models.VAEConfig(input_dim=(1, 4, 4), latent_dim=2)).double().eval()
    decoder, codes = PythaeDecoder(model), torch.randn(50, 2, dtype=torch.float64)
    with torch.no_grad():
        assert torch.equal(decoder(codes), model.decoder(codes)["reconstruction"])
        metric = PullbackMetric(decoder)
        torch.testing.assert_close(metric.matrix(codes), differences(metric, codes))
    is_audited(decoder, codes)


@pytest.fixture
def scvi_module():
    vae = pytest.importorskip("scvi.module").VAE

    def make(**options):
        return vae(n_input=6, n_batch=2, n_hidden=16, n_latent=2, **options).double().eval()

    return make


@pytest.mark.filterwarnings(WARNINGS_OF_OTHERS)
@pytest.mark.parametrize("likelihood", ["nb", "poisson"])
def test_scvi_lengths_are_those_of_its_own_distributions(scvi_module, likelihood):
    """|φ(z + δ) − φ(z)|² is twice the divergence KL, summed over counts with scvi's densities."""
    module = scvi_module(gene_likelihood=likelihood)
    codes = torch.randn(10, 2, dtype=torch.float64)
    moved = codes + 1e-3 * torch.randn_like(codes)
    column = torch.ones(10, 1, dtype=torch.float64)
    counts = torch.arange(400, dtype=torch.float64).reshape(-1, 1, 1)

    def log_probability(z):
        library = torch.log(20 * column)
        return module.generative(z, library, column.long())["px"].log_prob(counts)

    with torch.no_grad():
        before, after = log_probability(codes), log_probability(moved)
        assert torch.allclose(before.exp().sum(0), torch.ones(()).double(), atol=1e-5)
        divergence = (before.exp() * (before - after)).sum((0, 2))
        decoder = ScviDecoder(module, depth=20, batch=1)
        square = (decoder(moved) - decoder(codes)).square().sum(-1)
    torch.testing.assert_close(square, 2 * divergence, rtol=0.02, atol=1e-12)
    is_audited(decoder, torch.randn(50, 2, dtype=torch.float64))


@pytest.mark.filterwarnings(WARNINGS_OF_OTHERS)
def test_scvi_without_such_lengths_is_refused(scvi_module):
    for options in (
        {"gene_likelihood": "zinb"},
        {"gene_likelihood": "normal"},
        {"gene_likelihood": "nb", "dispersion": "gene-cell"},
    ):
        with pytest.raises(ValueError, match="train"):
            ScviDecoder(scvi_module(**options), depth=20)
    with pytest.raises(ValueError, match="positive number of counts"):
        ScviDecoder(scvi_module(gene_likelihood="nb"), depth=0)


@pytest.mark.filterwarnings(WARNINGS_OF_OTHERS)
@pytest.mark.parametrize("attention", [False, True])
def test_diffusers(attention):
    autoencoder = pytest.importorskip("diffusers").AutoencoderKL(
        in_channels=1,
        out_channels=1,
        latent_channels=1,
        block_out_channels=(4, 4),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        norm_num_groups=2,
        mid_block_add_attention=attention,
    )
    autoencoder = autoencoder.double().eval().requires_grad_(requires_grad=False)
    decoder = DiffusersDecoder(autoencoder, (1, 2, 2))
    codes = torch.randn(50, 4, dtype=torch.float64)
    assert decoder(codes).shape == (50, 1, 4, 4)
    metric = PullbackMetric(decoder)
    if attention:  # group normalisation behind it has no derivatives in torch.func
        with pytest.warns(UserWarning, match="2 d evaluations"):
            found = metric.matrix(codes)
    else:
        found = metric.matrix(codes)
        is_audited(decoder, codes)
    torch.testing.assert_close(found, differences(metric, codes), rtol=1e-5, atol=1e-8)
    with pytest.raises(ValueError, match="codes have 4 numbers"):
        DiffusersDecoder(autoencoder, (2, 2, 2))(codes)
