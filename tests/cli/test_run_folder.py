"""What is written into the folder of a run."""

import json
from pathlib import Path

from geolatent.cli.run_folder import write_json


def test_numbers_that_are_not_finite_are_null(elsewhere: Path):
    content = {"a": float("nan"), "b": {"c": [float("inf"), 1.5]}, "d": (2, "x"), "e": True}
    write_json(elsewhere / "x.json", content)
    said = (elsewhere / "x.json").read_text()
    assert "NaN" not in said
    assert json.loads(said) == {"a": None, "b": {"c": [None, 1.5]}, "d": [2, "x"], "e": True}
