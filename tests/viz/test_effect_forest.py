import dataclasses

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from geolatent.interpolation import MEASURES, DensityGeodesic, compare
from geolatent.viz import PATH_STYLES, effect_forest, effects_figure, profiles_figure
from geolatent.viz.path_kinds import path_styles


@pytest.fixture
def several(codes, decoder):
    rules = ("linear", "spherical", "geodesic")
    return compare(decoder, codes[:8], codes[8:16], paths=rules, data=decoder(codes), null=True)


def drawn(ax, gid, name):
    color = PATH_STYLES[name].color
    return [x for x in ax.get_lines() if x.get_gid() == gid and x.get_color() == color]


def test_dots_and_bars_are_the_effects_in_units_of_what_matters(several):
    ax = effect_forest(Figure().subplots(), several)
    effects = several.effects()
    for name in ("spherical", "geodesic"):
        rows = effects[effects["path"] == name]
        dots = [line.get_xdata()[0] for line in drawn(ax, "difference", name)]
        np.testing.assert_allclose(dots, rows["difference"] / rows["matters"])
        bars = [line.get_xdata() for line in drawn(ax, "interval", name)]
        np.testing.assert_allclose(bars, rows[["low", "high"]].div(rows["matters"], axis=0))
        shares = [t.get_text() for t in ax.texts if t.get_color() == PATH_STYLES[name].color]
        assert shares == [f"{share:.0%}" for share in rows["share"]]
    labels = [label.get_text().split("\n")[0] for label in ax.get_yticklabels()]
    assert labels == [MEASURES[key].title for key in effects["measure"].unique()]
    rings = [line for line in ax.get_lines() if line.get_gid() == "null"]
    # The null has neither data nor their distances.
    assert len(rings) == effects["null_difference"].notna().sum() == 2 * 4
    marks = [line for line in ax.get_lines() if line.get_gid() in ("interval", "null")]
    assert ax.get_xlim()[1] > max(np.abs(line.get_xdata()).max() for line in marks)


def test_one_path_has_nothing_to_be_compared_with(codes, decoder):
    alone = compare(decoder, codes[:3], codes[3:6], paths=("linear",))
    with pytest.raises(ValueError, match="no path to compare with 'linear'"):
        effect_forest(Figure().subplots(), alone)


def test_kinds_under_names_of_one_s_own_are_drawn(codes, decoder):
    rules = {"weak": DensityGeodesic(strength=0.0), "strong": DensityGeodesic(strength=1.0)}
    found = compare(decoder, codes[:3], codes[3:6], paths=rules, codes=codes)
    figure = effects_figure(found, reference="weak")
    dots = [x for x in figure.axes[0].get_lines() if x.get_gid() == "difference"]
    assert len(dots) == len(found.effects(reference="weak"))
    (legend,) = profiles_figure(decoder, found).legends
    assert [text.get_text() for text in legend.get_texts()][:2] == ["weak", "strong"]


def test_own_names_look_different(comparison):
    names = ("medium", "mild", "linear", "strong", "strength=1")  # pairs that once looked alike
    path = comparison.paths["linear"]
    styles = path_styles(dataclasses.replace(comparison, paths=dict.fromkeys(names, path)))
    assert styles["linear"] == PATH_STYLES["linear"]
    looks = {(style.color, str(style.pattern)) for style in styles.values()}
    assert len(looks) == len(names)
    assert [style.label for style in styles.values()] == [
        "straight line",
        *(n for n in names if n != "linear"),
    ]


def test_the_legend_shows_bars_as_they_are_and_what_matters_fills_the_axis(codes):
    flat = compare(
        torch.nn.Linear(2, 5).double(),
        codes[:8],
        codes[8:16],
        paths=("linear", "spherical", "geodesic"),
    )
    only = dataclasses.replace(
        flat, paths={k: v for k, v in flat.paths.items() if k != "spherical"}
    )
    ax = effect_forest(Figure().subplots(), only)
    assert {line.get_linestyle() for line in ax.get_legend().get_lines()} == {"-"}
    assert 1 < ax.get_xlim()[1] < 1.5
    assert list(ax.get_xticks()) == [-1, -0.5, 0, 0.5, 1]


def test_pairs_that_failed_are_told(several):
    path = dataclasses.replace(several.paths["geodesic"], converged=torch.arange(8) > 2)
    some = dataclasses.replace(several, paths={**several.paths, "geodesic": path})
    ax = effect_forest(Figure().subplots(), some)
    color = PATH_STYLES["geodesic"].color
    shares = [t.get_text() for t in ax.texts if t.get_color() == color]
    assert all(share.endswith("% (3 failed)") for share in shares)
