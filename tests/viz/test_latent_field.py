import math

import pytest
import torch

from geolatent.latents import SphereSpace
from geolatent.likelihoods import Gaussian
from geolatent.manifolds import Sphere
from geolatent.models import VAE
from geolatent.networks import MLP
from geolatent.viz import latent_field, local_excess


def stretched(z):
    return torch.stack([3 * z[..., 0], z[..., 1], z[..., 0] + z[..., 1]], -1)


def test_an_affine_decoder_is_flat_everywhere(codes):
    field = latent_field(stretched, codes, resolution=6)
    values = field.curvature[field.grid.shown]
    assert values.abs().max() < 1e-10
    # G = ((10, 1), (1, 2)): eigenvalues 6 ± √17.
    torch.testing.assert_close(
        field.log10_magnification, torch.full_like(field.curvature, math.log10(19**0.5))
    )
    condition = (6 + 17**0.5) / (6 - 17**0.5)
    torch.testing.assert_close(
        field.log10_condition, torch.full_like(field.curvature, math.log10(condition))
    )
    assert field.uncertainty is None


def test_the_curvature_is_that_of_the_surface_and_the_null_has_none(decoder, codes):
    field = latent_field(decoder, codes, resolution=7)
    square = field.grid.codes.square().sum(-1)
    # The graph of 3/2 r²: K = 9 / (1 + 9 r²)².
    torch.testing.assert_close(field.curvature, 9 / (1 + 9 * square) ** 2)
    assert field.null_curvature is not None
    assert field.null_curvature.abs().max() < 1e-10


def test_numbers_are_relative_to_the_declared_geometry():
    """A decoder that gives the points of the sphere themselves, in units of σ."""
    space = SphereSpace(Sphere(2))
    model = VAE(MLP(5, 4), space, torch.nn.Identity(), Gaussian(0.5)).double().eval()
    codes = torch.randn(20, 2).double()
    field = latent_field(model, codes, resolution=9)
    shown = field.grid.shown
    four = torch.full_like(field.curvature[shown], math.log10(4))
    torch.testing.assert_close(field.log10_magnification[shown], four)
    torch.testing.assert_close(field.log10_condition[shown], 0 * four, atol=1e-6, rtol=0)
    torch.testing.assert_close(field.curvature[shown], 0 * four + 0.25)
    assert not shown.all()
    assert field.curvature[~shown].isnan().all()
    assert field.uncertainty is not None
    torch.testing.assert_close(field.uncertainty[shown], 0 * four + 0.5)
    excess = local_excess(model, codes[:5], reach=0.4)
    assert excess.excess.abs().max() < 1e-6
    assert excess.null is None  # affine in codes is not flat on a sphere


def test_the_frame_has_a_row_for_each_cell_that_is_shown(decoder, codes):
    field = latent_field(decoder, codes, resolution=5)
    frame = field.to_frame()
    assert len(frame) == int(field.grid.shown.sum())
    assert {"x", "y", "z1", "z2", "log10_magnification", "null_curvature"} <= set(frame.columns)
    assert "uncertainty" not in frame.columns
    torch.testing.assert_close(
        torch.as_tensor(frame["curvature"].to_numpy()), field.curvature[field.grid.shown]
    )


def test_the_excess_is_a_24th_of_the_square_of_turning():
    """In polar coordinates of the plane, lines of constant radius are arcs and geodesics chords."""

    def polar(z):
        radius, angle = z[..., 0], z[..., 1]
        return torch.stack([radius * angle.cos(), radius * angle.sin()], -1)

    codes = torch.tensor([[5.0, 0.0], [5.0, 1.0], [5.0, 2.0]]).double()
    found = local_excess(polar, codes, reach=0.2, directions=40)
    # Across the radius: an arc of angle 0.2 and its chord, 0.1 / sin 0.1 − 1.
    across = 0.1 / math.sin(0.1) - 1
    assert float(found.excess.max()) == pytest.approx(across, rel=0.02)
    assert float(found.excess.max()) <= across * 1.0001
    assert found.excess.min() > -1e-9
    assert found.null is not None
    assert found.null.abs().max() < 1e-9
    assert found.mean().shape == (3,)
    assert len(found.to_frame()) == 120


def test_options_are_checked(decoder, codes):
    with pytest.raises(ValueError, match="at least 2 cells"):
        latent_field(decoder, codes, resolution=1)
    with pytest.raises(ValueError, match="reach=0"):
        local_excess(decoder, codes, reach=0.0)
    with pytest.raises(ValueError, match="direction"):
        local_excess(decoder, codes, directions=0)
