"""The demo, small."""

import json
from pathlib import Path

import pytest

from geolatent.cli import main

SMALL = "['train.epochs=2','train.uncertainty_epochs=2','train.batch_size=512']"


@pytest.mark.slow
def test_the_demo_leaves_one_folder_with_a_page(elsewhere: Path, capsys):
    chosen = "experiments=[digits_riemannian,digits_hyperbolic]"
    assert main(["demo", chosen, f"overrides={SMALL}", "pairs=4", "output=out"]) == 0
    said = capsys.readouterr().out
    assert "open out/index.html" in said
    assert "1/2 digits_riemannian: straight lines are" in said
    numbers = json.loads((elsewhere / "out" / "demo.json").read_text())
    assert list(numbers) == ["digits_riemannian", "digits_hyperbolic"]
    for found in numbers.values():
        assert found["metrics"]["test_elbo"] < 0
        assert found["interpolation"]["pairs"] == 4
    page = (elsewhere / "out" / "index.html").read_text()
    assert "Hyperbolic" in page
    assert page.count("data:image/png;base64,") >= 7
    assert (elsewhere / "out" / "digits_hyperbolic" / "interpolation" / "most_bent.png").is_file()
    # the same items in every model
    tables = [
        (elsewhere / "out" / name / "interpolation" / "paths.csv").read_text().splitlines()
        for name in numbers
    ]
    first, second = ([row.split(",")[:3] for row in table] for table in tables)
    assert first == second


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ["experiments=[digits_euclidian]"],
            "experiment=digits_euclidian: no such choice; did you mean digits_euclidean?",
        ),
        (["experiments=[]"], "experiments is empty"),
        (["pairs=1000"], "ask for 1 to 135 pairs"),
        (["pairs=abc"], "pairs='abc' must be a whole number."),
        (["part=tset"], "part='tset': choose one of"),
        (["paths=[linear]"], "paths: no such setting"),  # the page needs all three
    ],
)
def test_mistakes_are_found_before_anything_is_trained(
    arguments: list[str], expected: str, elsewhere: Path, capsys
):
    assert main(["demo", *arguments]) == 2
    said = capsys.readouterr().err
    assert expected in said
    assert "Traceback" not in said
    assert list(elsewhere.rglob("*.*")) == []
