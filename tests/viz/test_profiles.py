import dataclasses

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from geolatent.interpolation import compare
from geolatent.latents import EuclideanSpace
from geolatent.likelihoods import HeteroscedasticGaussian
from geolatent.metrics import PullbackMetric
from geolatent.models import VAE
from geolatent.networks import MLP
from geolatent.viz import PATH_STYLES, data_profile, relative_speed, speed_profile


def drawn(ax, gid, name):
    color = PATH_STYLES[name].color
    (line,) = [
        line for line in ax.get_lines() if line.get_gid() == gid and line.get_color() == color
    ]
    return line.get_ydata()


def test_a_geodesic_is_steady_and_a_straight_line_is_not(decoder, comparison):
    metric = PullbackMetric(decoder)
    ax = speed_profile(Figure().subplots(), metric, comparison, row=5)
    np.testing.assert_allclose(drawn(ax, "median", "geodesic"), 1, atol=1e-2)
    _, speed = relative_speed(metric, comparison.paths["linear"])
    np.testing.assert_allclose(drawn(ax, "median", "linear"), np.median(speed, axis=0))
    np.testing.assert_allclose(drawn(ax, "selected", "linear"), speed[5])
    assert np.ptp(speed[5].numpy()) > 0.1


def test_failed_curves_are_left_out(decoder, comparison):
    path = comparison.paths["linear"]
    failed = dataclasses.replace(path, converged=torch.arange(8) == 2)
    some = dataclasses.replace(comparison, paths={**comparison.paths, "linear": failed})
    metric = PullbackMetric(decoder)
    ax = speed_profile(Figure().subplots(), metric, some)
    np.testing.assert_allclose(drawn(ax, "median", "linear"), relative_speed(metric, path)[1][2])


def test_distance_to_data_against_their_spacing(comparison):
    ax = data_profile(Figure().subplots(), comparison)
    for name in ("linear", "geodesic"):
        expected = comparison.profiles[name].distance_to_data.median(0)
        values = drawn(ax, "median", name)
        assert len(values) == 33
        # Eight pairs: torch's median is the lower middle one.
        assert (values >= expected.values.numpy() - 1e-12).all()
        assert values[0] == pytest.approx(0, abs=1e-9), "the ends are data"
    (spacing,) = [line for line in ax.get_lines() if line.get_gid() == "spacing"]
    assert spacing.get_ydata()[0] == comparison.data_spacing


def test_uncertainty(comparison, codes):
    model = VAE(MLP(3, 4), EuclideanSpace(2), MLP(2, 6), HeteroscedasticGaussian()).eval()
    z = codes.float()
    uncertain = compare(model, z[:3], z[3:6])
    ax = data_profile(Figure().subplots(), uncertain, quantity="uncertainty")
    expected = uncertain.profiles["linear"].uncertainty.median(0).values
    np.testing.assert_allclose(drawn(ax, "median", "linear"), expected, rtol=1e-6)
    with pytest.raises(ValueError, match="no uncertainty: the subject states none"):
        data_profile(Figure().subplots(), comparison, quantity="uncertainty")
    with pytest.raises(ValueError, match="no distance_to_data: there are no data: pass data="):
        data_profile(Figure().subplots(), uncertain)


def test_unknown_quantities_are_refused(comparison):
    with pytest.raises(ValueError, match="unknown quantity"):
        data_profile(Figure().subplots(), comparison, quantity="beauty")


def test_the_probability_of_the_end_s_class(codes, decoder):
    labels = (codes[:, 0] > 0).long()
    found = compare(decoder, codes[:8], codes[8:16], data=decoder(codes), labels=labels)
    ax = data_profile(Figure().subplots(), found, quantity="end_class_probability")
    expected = np.median(found.profiles["linear"].end_class_probability, axis=0)
    np.testing.assert_allclose(drawn(ax, "median", "linear"), expected)
    assert ax.get_ylim() == (0, 1.02)
    with pytest.raises(ValueError, match="no cycle_error: the subject has no encoder"):
        data_profile(Figure().subplots(), found, quantity="cycle_error")
