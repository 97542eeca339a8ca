import re
from pathlib import Path

import pytest
import torch

import geolatent
from geolatent.interpolation import compare
from geolatent.viz import comparison_figure, excess_figure, profiles_figure, save_figure


def title(figure):
    return figure.get_suptitle()


def test_the_title_says_how_the_pair_was_chosen(decoder, codes, comparison):
    excess = comparison.excess
    assert int(excess.argmax()) != 0, "the fixture cannot tell the two apart"
    bent = comparison_figure(decoder, comparison, codes, pair="most bent")
    assert "most bent of 8" in title(bent)
    assert "extreme" in title(bent)
    assert f"{float(excess.max()):.1%} longer" in title(bent)
    first = comparison_figure(decoder, comparison, codes, pair="first drawn")
    assert "first of 8" in title(first)
    assert f"{float(excess[0]):.1%} longer" in title(first)
    for figure, row in ((bent, int(excess.argmax())), (first, 0)):
        lines = [line for ax in figure.axes for line in ax.get_lines()]
        (straight,) = [line for line in lines if line.get_gid() == "path-linear"]
        torch.testing.assert_close(torch.as_tensor(straight.get_xydata()[0]), codes[row])
    with pytest.raises(ValueError, match="unknown pair"):
        comparison_figure(decoder, comparison, codes, pair="prettiest")


def test_without_a_map_in_three_dimensions():
    codes = torch.randn(8, 3, dtype=torch.float64)
    net = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Tanh()).double()
    found = compare(net, codes[:4], codes[4:])
    figure = comparison_figure(net, found, codes, pair="most bent")
    gids = {line.get_gid() for ax in figure.axes for line in ax.get_lines()}
    assert "path-linear" not in gids
    assert "median" in gids


def test_profiles_show_what_was_measured(decoder, comparison, codes):
    assert len(profiles_figure(decoder, comparison).axes) == 2
    bare = compare(decoder, codes[:2], codes[2:4])
    assert len(profiles_figure(decoder, bare).axes) == 1


def test_pyplot_is_left_alone(decoder, comparison, codes, tmp_path):
    import matplotlib.pyplot as plt

    mine = plt.figure()
    before = plt.get_fignums()
    comparison_figure(decoder, comparison, codes, pair="most bent")
    save_figure(excess_figure({"bowl": comparison}), tmp_path / "excess.png")
    assert plt.gcf() is mine
    assert plt.get_fignums() == before
    plt.close(mine)


def test_only_figures_import_matplotlib_and_only_pages_jinja2():
    root = Path(geolatent.__file__).parent
    for file in root.rglob("*.py"):
        found = re.findall(r"^\s*(?:from|import) (matplotlib|jinja2|PIL)\b", file.read_text(), re.M)
        floor = file.relative_to(root).parts[0]
        allowed = {"viz": {"matplotlib", "PIL"}, "report": {"jinja2"}}.get(floor, set())
        assert set(found) <= allowed, file
        assert "pyplot" not in file.read_text().replace("pyplot and", ""), file
