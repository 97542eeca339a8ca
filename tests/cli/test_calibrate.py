import json

from PIL import Image

from geolatent.cli import main

SMALL = ["calibrate", "only=[immersion,no-duplicates]", "draws=3", "edge_draws=4"]


def test_a_small_calibration_leaves_its_tables_and_its_figure(elsewhere, capsys):
    assert main(SMALL) == 0
    said = capsys.readouterr().out
    assert "no-duplicates: 19 audits" in said
    folder = elsewhere / "runs" / "calibration"
    found = json.loads((folder / "table.json").read_text())
    assert set(found["claims"]) == {"immersion", "no-duplicates"}
    assert found["claims"]["immersion"]["edge_alarms"]["total"] == 4
    everywhere = next(s for s in found["simulations"] if s["family"].endswith("everywhere"))
    assert (everywhere["side"], everywhere["violated"], everywhere["draws"]) == ("false", 3, 3)
    assert "| immersion | 0.0 %" in (folder / "table.md").read_text()
    with Image.open(folder / "power.png") as picture:
        assert picture.width > 1000
    outcomes = sorted(folder.glob("outcomes/*/*.json"))
    before = [file.stat().st_mtime_ns for file in outcomes]
    assert len(outcomes) == 16
    assert main(SMALL) == 0
    assert [file.stat().st_mtime_ns for file in outcomes] == before


def test_mistakes_are_answered(elsewhere, capsys):
    assert main(["calibrate", "only=[seed-stable]"]) == 2
    assert "no simulations of 'seed-stable'" in capsys.readouterr().err
    assert main(["calibrate", "draws=0"]) == 2
    assert "at least 1" in capsys.readouterr().err
    assert main(["calibrate", "draws=many"]) == 2
    assert "whole number" in capsys.readouterr().err
    assert main(["calibrate", "only=flat"]) == 2
    assert "only=[flat]" in capsys.readouterr().err
