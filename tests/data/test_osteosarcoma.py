from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from geolatent.data import osteosarcoma


@pytest.fixture
def folder(tmp_path):
    """A copy of the first outlines in geomstats."""
    source = Path(find_spec("geomstats").submodule_search_locations[0]) / "datasets/data/cells"
    blocks = (source / "cells.txt").read_text().split("\n\n")[:30]
    (tmp_path / "cells.txt").write_text("\n\n".join(blocks))
    for name in ("treatments.txt", "cell_lines.txt"):
        words = (source / name).read_text().split()[:30]
        (tmp_path / name).write_text("\n".join(words))
    return tmp_path


def test_the_cells_in_geomstats():
    parts = osteosarcoma()
    data_set = parts.data_set
    assert data_set.data.shape == (650, 1024)
    assert data_set.image_shape == (32, 32)
    assert data_set.label_names == ("control", "cytd", "jasp")
    assert torch.bincount(data_set.labels).tolist() == [318, 175, 157]
    lines = data_set.groups["cell line"]
    assert lines.names == ("dlm8", "dunn")
    assert torch.bincount(lines.codes).tolist() == [258, 392]
    # Every cell has the same area, but for the ten whose ends are cut.
    area = data_set.data.sum(1) * (3.6 / 32) ** 2
    assert ((area - 1).abs() < 0.01).sum() >= 640
    assert area.max() < 1.01
    # The long axis is horizontal.
    mean = data_set.data.mean(0).reshape(32, 32)
    assert (mean[16] > 0.1).sum() > (mean[:, 16] > 0.1).sum()


def test_outlines_are_points_of_unit_area(folder):
    data_set = osteosarcoma(folder=folder, form="outline", resolution=200).data_set
    assert data_set.image_shape is None
    assert data_set.feature_names[199:201] == ("x199", "y0")
    x, y = data_set.data.double().unflatten(1, (2, 200)).unbind(1)
    area = (x * y.roll(-1, 1) - x.roll(-1, 1) * y).sum(1) / 2
    torch.testing.assert_close(area, torch.ones_like(area), atol=0.05, rtol=0)
    assert (x[:, 0] >= x.amax(1) - 1e-6).all()


def test_damage_is_named(folder):
    text = (folder / "cells.txt").read_text()
    (folder / "cells.txt").write_text(text.replace("\n\n", "\n\n1 2\n3 x\n\n", 1))
    with pytest.raises(ValueError, match="outline 1, counted from 0"):
        osteosarcoma(folder=folder)
    (folder / "cells.txt").write_text(text)
    (folder / "treatments.txt").write_text("control\n" * 29)
    with pytest.raises(ValueError, match="expected 30 lines"):
        osteosarcoma(folder=folder)
    (folder / "treatments.txt").write_text("control\n" * 29 + "sugar")
    with pytest.raises(ValueError, match="sugar"):
        osteosarcoma(folder=folder)
    (folder / "treatments.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"treatments\.txt"):
        osteosarcoma(folder=folder)


@pytest.mark.usefixtures("as_in_production")
def test_options_are_checked():
    with pytest.raises(ValueError, match="choose one of"):
        osteosarcoma(form="mesh")
    with pytest.raises(ValueError, match="at least 4"):
        osteosarcoma(resolution=2)
