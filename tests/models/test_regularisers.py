import math

import pytest
import torch

from geolatent.latents import EuclideanSpace, WrappedNormalSpace
from geolatent.likelihoods import Bernoulli, Beta, Gaussian
from geolatent.manifolds import Lorentz
from geolatent.models import VAE, FlatDecoder, IsometricDecoder
from geolatent.models.regulariser import mixed_up, probe
from geolatent.networks import MLP
from geolatent.training import TrainingConfig, fit

SIZE = 6


def model(decoder=None, *, dim=2, likelihood=None, latent=None):
    latent = EuclideanSpace(dim) if latent is None else latent
    likelihood = Gaussian(0.5) if likelihood is None else likelihood
    encoder = MLP(SIZE, latent.parameter_size, hidden=(16,))
    if decoder is None:
        decoder = MLP(latent.feature_size, likelihood.feature_size(SIZE), hidden=(16,))
    return VAE(encoder, latent, decoder, likelihood).double()


def affine(matrix):
    layer = torch.nn.Linear(matrix.shape[1], matrix.shape[0]).double()
    layer.weight.data = matrix
    return layer


def codes(count=40, dim=2):
    return torch.randn(count, dim, dtype=torch.float64)


@pytest.mark.parametrize("scale", [0.1, 1.0, 30.0])
def test_isometries_cost_nothing_at_any_scale(scale):
    basis, _ = torch.linalg.qr(torch.randn(SIZE, 3, dtype=torch.float64))
    vae = model(affine(scale * basis), dim=3)
    for kind in (FlatDecoder, IsometricDecoder):
        # Rounding of G², which is (2 scale)⁴, or of a quotient.
        rounding = 1e-14 * max(100, (2 * scale) ** 8)
        assert kind().penalty(vae, codes(dim=3)).item() == pytest.approx(0, abs=rounding)


def test_distortion_does_not_depend_on_the_scale():
    matrix, z = torch.randn(SIZE, 2, dtype=torch.float64), codes()
    found = []
    for scale in (1.0, 7.0):
        torch.manual_seed(1)
        found.append(IsometricDecoder().penalty(model(affine(scale * matrix)), z))
    assert found[0].item() > 0.1
    torch.testing.assert_close(found[0], found[1])


def test_curved_decoders_and_scales_that_change_cost_something():
    """Locally an isometry up to scale, everywhere another one: z ↦ exp z in the complex plane."""

    class Exponential(torch.nn.Module):
        def forward(self, z):
            radius = z[..., :1].exp()
            pad = z.new_zeros(*z.shape[:-1], SIZE - 2)
            return torch.cat([radius * z[..., 1:].cos(), radius * z[..., 1:].sin(), pad], dim=-1)

    vae, z = model(Exponential()), codes()
    for kind in (FlatDecoder, IsometricDecoder):
        assert kind().penalty(vae, z).item() > 0.1


def test_estimates_are_those_of_the_formulas():
    """Against the whole matrix G, averaged over many directions."""
    vae, z = model(MLP(3, SIZE, hidden=(16,)).double(), dim=3), codes(8, 3)
    G = vae.induced_metric().matrix(z)
    many = z.repeat_interleave(20_000, dim=0)
    found = probe(vae, many)
    stretch, square = found.stretch.view(8, -1), found.image.square().sum(-1).view(8, -1)
    trace = G.diagonal(dim1=-2, dim2=-1).sum(-1)
    for estimate, exact in ((stretch, trace), (square, G.square().sum((-2, -1)))):
        error = estimate.std(1) / math.sqrt(20_000)
        assert ((estimate.mean(1) - exact).abs() < 4.5 * error).all()
    c = trace.mean() / 3
    flat = (G - c * torch.eye(3).double()).square().sum((-2, -1)).mean()
    isometric = 3 * G.square().sum((-2, -1)).mean() / trace.mean() ** 2 - 1
    penalties = [kind(reach=0.0).penalty for kind in (FlatDecoder, IsometricDecoder)]
    # Without reach codes still lie between those of the batch: take them as they are.
    with pytest.MonkeyPatch.context() as patch:
        for module in ("flat_decoder", "isometric_decoder"):
            patch.setattr(f"geolatent.models.{module}.mixed_up", lambda z, reach: z)
        values = [penalty(vae, many).item() for penalty in penalties]
    assert values == pytest.approx([flat.item(), isometric.item()], rel=0.02)


def test_a_given_scale_asks_for_that_metric_at_the_codes_themselves():
    """Of an affine decoder: ‖AᵀA / σ² − I‖²_F, on average over directions."""
    matrix, z = torch.randn(SIZE, 2, dtype=torch.float64), codes(20_000)
    vae = model(affine(matrix))
    exact = (matrix.T @ matrix / 0.25 - torch.eye(2).double()).square().sum().item()
    found = FlatDecoder(scale=1.0, reach=None, weight=2.0).penalty(vae, z).item()
    assert found == pytest.approx(2 * exact, rel=0.02)
    basis, _ = torch.linalg.qr(matrix)
    isometry = model(affine(0.5 * basis))
    assert FlatDecoder(scale=1.0).penalty(isometry, z).item() == pytest.approx(0, abs=1e-12)
    assert FlatDecoder(scale=0.5).penalty(isometry, z).item() == pytest.approx(0.5)


def test_never_negative():
    vae = model(affine(torch.eye(SIZE, 2).double() * torch.tensor([1.0, 1.001])))
    for kind in (FlatDecoder, IsometricDecoder):
        assert min(kind().penalty(vae, codes(3)).item() for _ in range(30)) >= -1e-12


def test_moves_the_decoder_and_not_the_codes():
    vae, z = model(), codes().requires_grad_()
    IsometricDecoder().penalty(vae, z).backward()
    assert z.grad is None
    assert all((p.grad != 0).any() for p in list(vae.decoder.parameters())[:-1])
    weights = tuple(vae.decoder.parameters())

    def penalty(*_):
        torch.manual_seed(0)
        return IsometricDecoder().penalty(vae, z.detach()[:5])

    assert torch.autograd.gradcheck(penalty, weights, fast_mode=True)


def test_without_reach_codes_are_taken_as_they_are():
    """Two clusters on isometric pieces of a decoder that stretches what is between them."""

    class Stretched(torch.nn.Module):
        def forward(self, z):
            first = z[..., :1] + 3 * torch.tanh(20 * z[..., :1])
            return 0.5 * torch.cat([first, z[..., 1:], z.new_zeros(*z.shape[:-1], SIZE - 2)], -1)

    z = codes(400)
    z[:, 0] = z[:, 0].sign() * (2 + z[:, 0].abs())
    vae = model(Stretched())
    assert FlatDecoder(scale=1.0, reach=None).penalty(vae, z).item() < 1e-10
    assert FlatDecoder(scale=1.0, reach=0.2).penalty(vae, z).item() > 1


def test_codes_are_mixed_up_a_little_beyond():
    z = torch.tensor([[0.0], [1.0]]).repeat(5000, 1)
    x = mixed_up(z, 0.25)
    assert float(x.min()) < -0.2
    assert float(x.max()) > 1.2
    assert -0.25 <= float(x.min()) < float(x.max()) <= 1.25


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize("regulariser", [FlatDecoder(weight=5e-3), IsometricDecoder(weight=5.0)])
def test_training_makes_the_metric_even(regulariser):
    """Of data on a bent sheet: the spread of the eigenvalues of G at the codes."""
    u = 2 * torch.rand(256, 2, generator=torch.Generator().manual_seed(1)) - 1
    x = torch.stack(
        [u[:, 0], 0.3 * u[:, 1], (3 * u[:, 0]).sin(), u[:, 0] * u[:, 1], u[:, 1] ** 2, 0 * u[:, 0]],
        dim=1,
    )
    spreads, penalties = [], []
    for chosen in (None, regulariser):
        torch.manual_seed(3)
        vae = model(likelihood=Gaussian(0.1)).float()
        config = TrainingConfig(
            epochs=80, batch_size=128, learning_rate=1e-2, patience=None, regulariser=chosen
        )
        penalties.append(fit(vae, x, config).history[-1].train_penalty)
        eigenvalues = torch.linalg.eigvalsh(vae.induced_metric().matrix(vae.encode(x)).detach())
        spreads.append(float(eigenvalues.std() / eigenvalues.mean()))
    assert spreads[1] < 0.6 * spreads[0]
    assert penalties[0] == 0 < penalties[1]


def test_a_run_remembers_its_regulariser(tmp_path):
    x = torch.rand(20, SIZE)
    options = {"epochs": 1, "patience": None}
    config = TrainingConfig(**options, regulariser=IsometricDecoder(weight=0.5))
    fit(model().float(), x, config, directory=tmp_path)
    other = TrainingConfig(**options, regulariser=FlatDecoder(weight=0.5))
    for changed in (TrainingConfig(**options), other):
        with pytest.raises(ValueError, match="regulariser"):
            fit(model().float(), x, changed, directory=tmp_path, resume=True)
    fit(model().float(), x, config, directory=tmp_path, resume=True)


@pytest.mark.usefixtures("as_in_production")
def test_refuses_what_has_no_meaning():
    with pytest.raises(TypeError, match=r"compare.*ManifoldMetric: use latent=euclidean"):
        IsometricDecoder().penalty(model(latent=WrappedNormalSpace(Lorentz(2))), codes())
    with pytest.raises(TypeError, match="immersion"):
        IsometricDecoder().penalty(model(likelihood=Beta()), codes())
    assert IsometricDecoder().penalty(model(likelihood=Bernoulli()), codes()) > 0
    for options in ({"weight": -1.0}, {"reach": math.nan}):
        for kind in (FlatDecoder, IsometricDecoder):
            with pytest.raises(ValueError, match=next(iter(options))):
                kind(**options)
    with pytest.raises(ValueError, match=r"scale=0\.0 must be a positive"):
        FlatDecoder(scale=0.0)
