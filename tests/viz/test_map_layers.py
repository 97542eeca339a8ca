"""What maps say where there is nothing to scale, something failed, or names meet."""

import math

import numpy as np
import pytest
import torch
from matplotlib.colors import SymLogNorm
from matplotlib.figure import Figure
from torch import nn

from geolatent.latents import BareDecoder
from geolatent.metrics import DensityMetric, EuclideanMetric, PullbackMetric
from geolatent.viz import (
    GeodesicCircles,
    LocalExcess,
    draw_circles,
    draw_codes,
    draw_excess,
    geodesic_circles,
    geometry_map,
    latent_field,
    latent_map,
    local_excess,
)
from geolatent.viz.map_layers import _ticks
from geolatent.viz.plane_chart import PlaneChart


def notes(ax):
    return "\n".join(text.get_text() for text in ax.texts if text.get_gid() == "note")


def ticks(ax):
    return [text.get_text() for bar in ax.child_axes for text in bar.get_yticklabels()]


@pytest.fixture
def page():
    ax = Figure(figsize=(3, 3)).subplots()
    ax.set_xlim(-2, 2)
    ax.set_ylim(-2, 2)
    return ax


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_is_constant_is_shown_as_constant(codes, dtype):
    decoder = nn.Linear(2, 9).to(dtype).requires_grad_(False)
    figure = geometry_map(decoder, codes.to(dtype), resolution=8)
    area = math.log10(float((decoder.weight.T @ decoder.weight).det().sqrt()))
    expected = f"{area:.3g} everywhere".replace("-", "−")
    assert [ticks(ax) for ax in figure.axes[:6:4]] == [[expected]] * 2
    assert ticks(figure.axes[2]) == ["0 everywhere"]
    assert ticks(figure.axes[3]) == ["≤ 0.001 everywhere"]
    for ax in (figure.axes[0], figure.axes[2]):
        mesh = ax.collections[0]
        assert len(np.unique(mesh.to_rgba(mesh.get_array()).reshape(-1, 4), axis=0)) == 1


@pytest.mark.parametrize(
    ("linear", "greatest"), [(1e-4, 2.3e-2), (0.02, 0.3), (3e-3, 9e-3), (5.0, 700)]
)
def test_ticks_of_the_curvature_do_not_touch(linear, greatest):
    norm = SymLogNorm(linear, vmin=-greatest, vmax=greatest)
    chosen = _ticks(norm)
    places = np.sort([float(norm(value)) for value in chosen])
    assert 3 <= len(places) <= 11
    assert (np.diff(places) >= 0.0999).all()
    assert places[0] >= -1e-9
    assert places[-1] <= 1 + 1e-9


def test_heads_stay_on_the_page_rows_are_close_and_what_varies_has_a_scale(codes, decoder):
    circles = geodesic_circles(EuclideanMetric(), codes[0], torch.ones(1), count=8)
    excess = local_excess(decoder, codes[:3])
    figure = geometry_map(decoder, codes, excess=excess, circles=circles, resolution=6)
    figure.draw_without_rendering()
    right = figure.bbox.x1
    assert all(text.get_window_extent().x1 <= right for ax in figure.axes for text in ax.texts)
    upper, lower = figure.axes[0], figure.axes[3]
    gap = upper.get_window_extent().y0 - lower.get_tightbbox().y1
    assert 0 < gap < 0.35 * figure.dpi
    assert not [label for ax in figure.axes[:6] for label in ticks(ax) if "everywhere" in label]


class TestNames:
    def test_do_not_cover_each_other(self, page):
        codes = torch.cat([torch.randn(30, 2) * 0.3 for _ in range(4)])
        draw_codes(page, PlaneChart(), codes, labels=torch.arange(4).repeat_interleave(30))
        boxes = [text.get_window_extent() for text in page.texts if text.get_gid() == "class"]
        assert len(boxes) == 4
        for k, box in enumerate(boxes):
            assert not box.padded(-1).count_overlaps([b.padded(-1) for b in boxes[k + 1 :]])

    def test_of_any_kind(self, page):
        codes = torch.randn(6, 2)
        for labels in (["b", "a", "a", "b", "c", "c"], np.array(list("baabcc"))):
            page.cla()
            draw_codes(page, PlaneChart(), codes, labels=labels)
            assert [text.get_text() for text in page.texts] == ["a", "b", "c"]

    def test_a_class_has_its_colour_on_every_map(self, page):
        codes = torch.randn(6, 2)
        draw_codes(page, PlaneChart(), codes, labels=np.array([3, 3, 7, 7, 9, 9]))
        colors = [text.get_color() for text in page.texts]
        page.cla()
        draw_codes(page, PlaneChart(), codes, labels=[7, 7, 7, 9, 9, 9])
        assert [text.get_color() for text in page.texts] == colors[1:]


def test_failures_are_told(page):
    def half(z):
        return torch.cat([(0.6 - z[:, :1]).sqrt(), z], 1)

    codes = torch.stack([torch.linspace(-2, 1.5, 15), torch.linspace(0, 1, 15) ** 2], 1).double()
    figure = geometry_map(half, codes, resolution=6)
    said = notes(figure.axes[3])
    assert "of 30 lines without a geodesic" in said
    crosses = [part for part in figure.axes[3].collections if part.get_gid() == "failed"]
    assert len(crosses[0].get_offsets()) > 2
    assert "white: not finite in" in notes(figure.axes[0])
    assert "geodesics not found" in notes(figure.axes[4])


def test_an_excess_that_was_not_found_is_a_cross(page):
    codes = torch.randn(3, 2)
    values = torch.tensor([[0.1, 0.2], [math.nan, math.nan], [math.nan, 0.1]])
    draw_excess(page, PlaneChart(), LocalExcess(codes, values, None, 1.0))
    (crosses,) = [part for part in page.collections if part.get_gid() == "failed"]
    np.testing.assert_allclose(crosses.get_offsets(), codes[1:2])


def test_what_could_not_be_followed_is_not_beyond_the_cut_locus(page):
    points = torch.randn(1, 24, 2)
    points[0, :7] = math.nan
    circles = GeodesicCircles(torch.zeros(2), torch.ones(1), points, points.isfinite().all(-1))
    draw_circles(page, PlaneChart(), circles)
    assert "shorter way" not in notes(page)
    assert "not followed so far: 7 of 24 geodesics" in notes(page)


def test_a_declared_metric_without_closed_forms_is_followed(codes):
    """Lines of the declared metric itself are its geodesics: none is too long."""
    metric = DensityMetric(EuclideanMetric(), codes, strength=2.0)

    class Declared(BareDecoder):
        def assumed_metric(self):
            return metric

        def induced_metric(self):
            return metric

    found = local_excess(Declared(lambda z: z), codes[:5], reach=1.0)
    assert found.excess.isfinite().all()
    assert found.excess.abs().max() < 1e-4
    assert local_excess(lambda z: z, codes[:5], reach=1.0).excess.abs().max() < 1e-12


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize("draw", [geometry_map, latent_field, local_excess])
def test_codes_are_tensors_and_finite(draw, codes, decoder):
    model = PullbackMetric(decoder).immersion
    with pytest.raises(TypeError, match=r"codes must be a tensor.*torch.as_tensor\(codes\)"):
        draw(model, codes.numpy())
    with pytest.raises(
        ValueError, match="codes has 1 rows that are not finite, the first is row 3"
    ):
        draw(model, codes.index_fill(0, torch.tensor(3), math.nan))


@pytest.mark.usefixtures("as_in_production")
def test_a_map_takes_labels_of_any_kind(codes, decoder):
    names = ["left" if code[0] < 0 else "right" for code in codes]
    ax = latent_map(Figure().subplots(), decoder, codes, labels=names, resolution=4)
    assert [text.get_text() for text in ax.texts if text.get_gid() == "class"] == ["left", "right"]
