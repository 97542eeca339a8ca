import numpy as np
import pytest
from matplotlib.figure import Figure

from geolatent.interpolation import MEASURES, DensityGeodesic, compare
from geolatent.viz import PATH_STYLES, effect_forest, effects_figure, profiles_figure


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
    assert len(drawn(figure.axes[0], "difference", "strong")) == len(
        found.effects(reference="weak")
    )
    (legend,) = profiles_figure(decoder, found).legends
    assert [text.get_text() for text in legend.get_texts()][:2] == ["weak", "strong"]
