"""Figures beside their reference images, without letters: fonts differ between machines.

After a change that is meant, look at what it does and renew the references:

    python tests/viz/test_images.py
"""

import math
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

from geolatent.interpolation import compare
from geolatent.latents import SphereSpace, WrappedNormalSpace
from geolatent.likelihoods import Gaussian
from geolatent.manifolds import Lorentz, Sphere
from geolatent.metrics import ManifoldMetric
from geolatent.models import VAE
from geolatent.networks import MLP
from geolatent.viz import (
    decoded_strip,
    draw_circles,
    draw_curves,
    draw_indicatrices,
    draw_relief,
    effects_figure,
    excess_figure,
    geodesic_circles,
    geometry_map,
    latent_field,
    latent_map,
    local_excess,
    profiles_figure,
)

REFERENCES = Path(__file__).parent / "reference"
DPI = 50


def bump(z):
    return torch.cat([z, 1.5 * (-z.square().sum(-1, keepdim=True)).exp()], -1)


def spread_codes(count: int) -> torch.Tensor:
    """Codes on a sunflower, the same on every machine."""
    k = torch.arange(count).double()
    radius, angle = 2 * ((k + 0.5) / count).sqrt(), k * math.pi * (3 - math.sqrt(5))
    return torch.stack([radius * angle.cos(), radius * angle.sin()], 1)


def plane() -> Figure:
    codes = spread_codes(40)
    circles = geodesic_circles(
        ManifoldMetric(Sphere(2, 0.2)), codes[0], torch.tensor([1.0, 2.0]), count=24
    )
    excess = local_excess(bump, codes[::4])
    labels = torch.arange(40) % 3
    return geometry_map(bump, codes, labels=labels, excess=excess, circles=circles, resolution=16)


def sphere() -> Figure:
    space = SphereSpace(Sphere(2))
    scales = torch.nn.Linear(3, 3, bias=False)
    with torch.no_grad():
        scales.weight.copy_(torch.diag(torch.tensor([1.0, 0.6, 1.5])))
    model = VAE(MLP(3, 4), space, scales, Gaussian(1.0)).double().eval()
    codes = 1.2 * spread_codes(30)
    field = latent_field(model, codes, resolution=20)
    fig = Figure(figsize=(4, 2))
    left, right = fig.subplots(1, 2)
    draw_relief(left, field, "log10_condition", bar=False)
    draw_indicatrices(left, model, field.chart, codes[::2])
    draw_relief(right, field, "curvature", bar=False)
    through = torch.linspace(1, 5, 50).double().unsqueeze(1) * torch.tensor([0.8, 0.6]).double()
    draw_curves(right, field.chart, through.unsqueeze(0), "assumed")
    draw_circles(
        right,
        field.chart,
        geodesic_circles(space.metric, codes[0], torch.tensor([1.0, 2.2, 4.2]), count=48),
    )
    return fig


def disk() -> Figure:
    space = WrappedNormalSpace(Lorentz(2))
    first_two = torch.nn.Linear(3, 3, bias=False)
    with torch.no_grad():
        first_two.weight.copy_(torch.diag(torch.tensor([0.1, 1.0, 1.0])))
    model = VAE(MLP(3, 4), space, first_two, Gaussian(1.0)).double().eval()
    codes = spread_codes(30)
    with torch.no_grad():
        comparison = compare(model, codes[-2:], codes[5:7], paths=("linear", "assumed", "geodesic"))
    fig = Figure(figsize=(2.5, 2))
    ax = fig.subplots()
    latent_map(ax, model, codes, comparison=comparison, rows=(0, 1), resolution=24)
    return fig


def excess() -> Figure:
    codes = spread_codes(40)
    return excess_figure({"bump": compare(bump, codes[:20], codes[20:])})


def bent_pairs():
    codes = spread_codes(40)
    return compare(bump, codes[:12], codes[-12:], data=bump(codes), labels=torch.arange(40) % 3)


def profiles() -> Figure:
    return profiles_figure(bump, bent_pairs())


def effects() -> Figure:
    return effects_figure(bent_pairs())


def strip() -> Figure:
    fig = Figure(figsize=(4, 2))
    left, right = fig.subplots(1, 2)
    comparison = bent_pairs()
    decoded_strip(left, bump, comparison, 3)
    decoded_strip(right, bump, comparison, 3, image_shape=(1, 3), count=5)
    return fig


CASES = {case.__name__: case for case in (plane, sphere, disk, excess, profiles, effects, strip)}


def pixels(figure: Figure) -> np.ndarray:
    """The figure as 8-bit RGB, all letters removed, the places of everything else kept."""
    # Layout engines make room for letters.
    figure.set_layout_engine("none")
    for text in figure.findobj(lambda artist: hasattr(artist, "get_fontsize")):
        text.set_visible(False)
    for axes in figure.axes:
        if axes.get_legend() is not None:
            axes.get_legend().remove()
    stream = BytesIO()
    figure.savefig(stream, format="png", dpi=DPI)
    with Image.open(stream) as image:
        return np.asarray(image.convert("RGB")).astype(int)


@pytest.mark.parametrize("name", CASES)
def test_the_figure_looks_as_it_did(name):
    drawn = pixels(CASES[name]())
    with Image.open(REFERENCES / f"{name}.png") as image:
        expected = np.asarray(image.convert("RGB")).astype(int)
    assert drawn.shape == expected.shape
    difference = np.abs(drawn - expected).max(axis=2)
    # Edges may be smoothed differently by another version; a missing line is more than that.
    assert (difference > 32).mean() < 2e-3, "see the top of the file for how to renew references"
    assert difference.mean() < 0.5


if __name__ == "__main__":
    REFERENCES.mkdir(exist_ok=True)
    for name, case in CASES.items():
        image = Image.fromarray(pixels(case()).astype(np.uint8))
        image.save(REFERENCES / f"{name}.png", optimize=True)
