import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from geolatent.interpolation import compare
from geolatent.latents import EuclideanSpace
from geolatent.likelihoods import HeteroscedasticGaussian
from geolatent.models import VAE
from geolatent.networks import MLP
from geolatent.viz import decoded_strip


def images(ax):
    return [image for image in ax.get_images() if image.get_gid() == "image"]


@pytest.fixture
def model():
    return VAE(MLP(6, 4), EuclideanSpace(2), MLP(2, 12), HeteroscedasticGaussian()).eval()


@pytest.fixture
def pairs(model):
    z = torch.randn(10, 2)
    return compare(model, z[:5], z[5:])


def test_images_are_decoded_at_equal_times_on_one_scale(model, pairs):
    ends = torch.rand(5, 6), torch.rand(5, 6)
    ax = decoded_strip(Figure().subplots(), model, pairs, 2, image_shape=(2, 3), ends=ends, count=4)
    shown = [np.asarray(image.get_array()) for image in images(ax)]
    assert len(shown) == 2 * 4 + 2
    t = torch.linspace(0, 1, 4)
    decoded = [model.decode(pairs.paths[name](t)[2]).detach() for name in ("linear", "geodesic")]
    everything = torch.cat([*decoded, ends[0][2:3], ends[1][2:3]])
    low, high = everything.min(), everything.max()
    expected = ((everything - low) / (high - low)).reshape(-1, 2, 3)
    np.testing.assert_allclose(shown, expected, atol=1e-6)
    # The two strips and their ends stand at the same times.
    left = [image.get_extent()[0] for image in images(ax)]
    assert left[:4] == left[4:8]
    assert left[8] < left[0]
    assert left[9] > left[3]


def test_titles_state_the_excess_and_the_scale_is_stated(model, pairs):
    ax = decoded_strip(Figure().subplots(), model, pairs, 1, image_shape=(2, 3))
    titles = [text.get_text() for text in ax.texts if text.get_gid() == "title"]
    assert f"{float(pairs.excess[1]):.1%} longer" in titles[0]
    assert titles[0].startswith("straight line")
    assert titles[1].startswith("geodesic, length")
    assert any("white is" in text.get_text() for text in ax.texts)


def test_varying_uncertainty_is_drawn_and_constant_one_is_not(model, pairs, comparison, decoder):
    ax = decoded_strip(Figure().subplots(), model, pairs, 0, image_shape=(2, 3))
    assert len([line for line in ax.get_lines() if line.get_gid() == "uncertainty"]) == 2
    ax = decoded_strip(Figure().subplots(), decoder, comparison, 0, image_shape=(1, 3))
    assert not [line for line in ax.get_lines() if line.get_gid() == "uncertainty"]


def test_data_that_are_not_images_are_a_heat_map(decoder, comparison):
    figure = Figure()
    ax = decoded_strip(figure.subplots(), decoder, comparison, 4)
    linear, geodesic = images(ax)
    t = torch.linspace(0, 1, 129).double()
    for image, name in ((linear, "linear"), (geodesic, "geodesic")):
        np.testing.assert_allclose(
            image.get_array(), decoder(comparison.paths[name](t)[4]).T, atol=1e-12
        )
    assert linear.get_clim() == geodesic.get_clim()
    assert "decoded value" in figure.axes[-1].get_ylabel()


def test_what_does_not_fit_is_refused(decoder, comparison, codes):
    with pytest.raises(ValueError, match="the decoder gives 3"):
        decoded_strip(Figure().subplots(), decoder, comparison, 0, image_shape=(2, 2))
    with pytest.raises(ValueError, match="image_shape must be"):
        decoded_strip(Figure().subplots(), decoder, comparison, 0, image_shape=(3,))
    with pytest.raises(ValueError, match="row 8"):
        decoded_strip(Figure().subplots(), decoder, comparison, 8)
    only = compare(decoder, codes[:2], codes[2:4], paths=("linear",))
    with pytest.raises(ValueError, match="geodesic"):
        decoded_strip(Figure().subplots(), decoder, only, 0)
