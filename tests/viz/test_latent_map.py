import pytest
import torch
from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from geolatent.interpolation import compare
from geolatent.latents import EuclideanSpace, WrappedNormalSpace
from geolatent.likelihoods import Gaussian
from geolatent.manifolds import Lorentz
from geolatent.models import VAE
from geolatent.networks import MLP
from geolatent.viz import PATH_STYLES, latent_map


def axes():
    return Figure().subplots()


def lines(ax, gid):
    return [line for line in ax.get_lines() if line.get_gid() == gid]


def hyperbolic_model(curvature=-1.0):
    space = WrappedNormalSpace(Lorentz(2, curvature=curvature))
    model = VAE(
        MLP(5, space.parameter_size), space, MLP(space.feature_size, 5, hidden=(8,)), Gaussian()
    )
    return model.eval()


def test_the_paths_are_those_of_the_comparison(decoder, codes, comparison):
    ax = latent_map(axes(), decoder, codes, comparison=comparison, rows=(3,), resolution=8)
    for name in ("linear", "geodesic"):
        (line,) = lines(ax, f"path-{name}")
        drawn = torch.as_tensor(line.get_xydata())
        # 257 times contain the comparison's 33.
        torch.testing.assert_close(drawn[::8], comparison.paths[name].points[3], atol=1e-12, rtol=0)
        assert line.get_color() == PATH_STYLES[name].color
    start, end = (torch.as_tensor(line.get_xydata()[0]) for line in lines(ax, "end")[:2])
    torch.testing.assert_close(start, codes[3])
    torch.testing.assert_close(end, codes[11])


def test_kinds_of_paths_differ_in_colour_and_pattern():
    styles = PATH_STYLES.values()
    assert len({style.color for style in styles}) == len(styles)
    assert len({str(style.pattern) for style in styles}) == len(styles)


def test_the_ground_is_the_magnification_and_its_bar_says_so(decoder, codes):
    ax = latent_map(axes(), decoder, codes, resolution=9)
    (mesh,) = [part for part in ax.collections if isinstance(part, QuadMesh)]
    corners = torch.as_tensor(mesh.get_coordinates())
    centre = (corners[1:, 1:] + corners[:-1, :-1]) / 2
    # The area of the graph of 1.5 |z|² over its ground plane.
    expected = (1 + 9 * centre.square().sum(-1)).sqrt().log10()
    shown = torch.as_tensor(mesh.get_array().filled(float("nan")).reshape(expected.shape))
    torch.testing.assert_close(shown, expected)
    (bar,) = [child for child in ax.child_axes if child.get_ylabel()]
    assert "log" in bar.get_ylabel()
    assert "induced area per area of latent space" in bar.get_ylabel()


def test_the_extent_follows_the_data_and_not_one_stray_code(decoder):
    codes = torch.cat([torch.rand(999, 2), torch.tensor([[1e4, 0.5]])]).double()
    ax = latent_map(axes(), decoder, codes, resolution=4)
    assert 0.9 < ax.get_xlim()[1] < 2
    # A path to the stray code is shown completely.
    far = compare(decoder, codes[:1], torch.tensor([[5.0, 0.5]]).double())
    ax = latent_map(axes(), decoder, codes, comparison=far, resolution=4)
    assert ax.get_xlim()[1] > 5


def test_codes_are_coloured_by_class_and_classes_are_named(decoder, codes):
    labels = torch.arange(40) % 3
    ax = latent_map(
        axes(), decoder, codes, labels=labels, label_names=("a", "b", "c"), resolution=4
    )
    (scatter,) = [part for part in ax.collections if isinstance(part, PathCollection)]
    colors = torch.as_tensor(scatter.get_facecolors())
    assert len(colors) == 40
    assert len(colors.unique(dim=0)) == 3
    assert torch.equal(colors[0], colors[3])
    assert [text.get_text() for text in ax.texts if text.get_gid() == "class"] == ["a", "b", "c"]


@pytest.mark.filterwarnings("ignore:the metric is rank-deficient")  # far out tanh is flat
@pytest.mark.parametrize("curvature", [-1.0, -0.25])
def test_hyperbolic_codes_are_drawn_in_the_disk(curvature):
    model = hyperbolic_model(curvature)
    codes = 3 * torch.randn(30, 2)
    with torch.no_grad():
        comparison = compare(model, codes[:3], codes[3:6], paths=("linear", "assumed", "geodesic"))
    ax = latent_map(axes(), model, codes, comparison=comparison, resolution=20)
    (scatter,) = [part for part in ax.collections if isinstance(part, PathCollection)]
    drawn = torch.as_tensor(scatter.get_offsets().data).to(codes)
    radius = codes.norm(dim=-1)
    expected = torch.tanh((-curvature) ** 0.5 * radius / 2)
    torch.testing.assert_close(drawn.norm(dim=-1), expected)
    assert (drawn.norm(dim=-1) < 1).all()
    boundary = [part for part in ax.patches if isinstance(part, Circle)]
    assert [circle.radius for circle in boundary] == [1.0]
    assert any("Poincaré" in text.get_text() for text in ax.texts)
    # The declared geodesic is an arc that meets the boundary at a right angle: its circle has
    # centre c and radius r with |c|² = 1 + r².
    arc = torch.as_tensor(lines(ax, "path-assumed")[0].get_xydata())
    start, middle, end = arc[0], arc[128], arc[-1]
    rows = torch.stack([2 * (middle - start), 2 * (end - start)])
    right = torch.stack([middle @ middle - start @ start, end @ end - start @ start])
    centre = torch.linalg.solve(rows, right)
    across = (arc - centre).norm(dim=-1)
    torch.testing.assert_close(across, across[:1].expand_as(across), rtol=2e-3, atol=0)
    torch.testing.assert_close(centre @ centre, 1 + across[0] ** 2, rtol=2e-2, atol=0)


def test_a_declared_geodesic_that_is_straight_is_not_drawn_twice(codes):
    model = VAE(MLP(5, 4), EuclideanSpace(2), MLP(2, 5, hidden=(8,)), Gaussian()).eval()
    z = codes.float()
    comparison = compare(model, z[:2], z[2:4], paths=("linear", "assumed", "geodesic"))
    ax = latent_map(axes(), model, z, comparison=comparison, resolution=4)
    assert lines(ax, "path-linear")
    assert not lines(ax, "path-assumed")


@pytest.mark.parametrize("dim", [1, 3])
def test_other_dimensions_are_refused(dim):
    with pytest.raises(ValueError, match="two-dimensional"):
        latent_map(axes(), torch.nn.Linear(dim, 4), torch.randn(9, dim))


def test_what_does_not_fit_is_refused(decoder, codes, comparison):
    with pytest.raises(ValueError, match="rows"):
        latent_map(axes(), decoder, codes, comparison=comparison, rows=(8,))
    with pytest.raises(ValueError, match="names"):
        latent_map(axes(), decoder, codes, labels=torch.arange(40), label_names=("a",))
