"""Auditing a trained run from the command line."""

import inspect
import json
import re
from pathlib import Path

import pytest
from hydra.utils import instantiate

from geolatent.assumptions import Evidence, catalogue
from geolatent.cli import main
from geolatent.cli.audit import nuisances
from geolatent.cli.configuration import compose_config
from geolatent.cli.run_evidence import evidence
from geolatent.data import blood_cells

FEW = ("only=[straight-lines,immersion]", "pairs=40", "output=audit")


def test_the_command_writes_a_report_and_goes_on_from_it(
    trained_run: Path, elsewhere: Path, capsys
):
    assert main(["audit", f"run={trained_run}", *FEW]) == 0
    said = capsys.readouterr().out
    assert "straight-lines" in said
    assert "readiness" in said
    report = json.loads((elsewhere / "audit" / "audit.json").read_text())
    assert set(report["findings"]) == {"straight-lines", "immersion"}
    assert report["evidence"]["trained"]
    text = (elsewhere / "audit" / "audit.md").read_text()
    assert text.startswith("# Audit")
    assert "- likelihood: Gaussian(scale=0.3, learn_scale=True)" in text
    assert "- seed of training: 0" in text
    assert report["about"]["card"]["data"].startswith("digits: ")
    assert "torch" in report["about"]["card"]["trained with"]
    first = report["findings"]["straight-lines"]["seconds"]
    assert main(["audit", f"run={trained_run}", *FEW]) == 0
    again = json.loads((elsewhere / "audit" / "audit.json").read_text())
    assert again["findings"]["straight-lines"]["seconds"] == first


def test_a_build_fails_when_a_verdict_changes(trained_run: Path, elsewhere: Path, capsys):
    assert main(["audit", f"run={trained_run}", *FEW]) == 0
    file = elsewhere / "audit" / "audit.json"
    report = json.loads(file.read_text())
    (elsewhere / "before.json").write_text(file.read_text())
    assert main(["audit", f"run={trained_run}", *FEW, "baseline=before.json"]) == 0
    found = report["findings"]["immersion"]["verdict"]
    other = "holds" if found != "holds" else "violated"
    report["findings"]["immersion"]["verdict"] = other
    (elsewhere / "before.json").write_text(json.dumps(report))
    assert main(["audit", f"run={trained_run}", *FEW, "baseline=before.json"]) == 1
    assert f"immersion was {other} and is {found}" in capsys.readouterr().out
    # Of claims that are chosen, only those count; a baseline without any is no baseline.
    straight = ["audit", f"run={trained_run}", *FEW[1:], "baseline=before.json"]
    assert main([*straight, "only=[straight-lines]"]) == 0
    assert main([*straight, "only=[smooth]"]) == 2
    assert "has no verdict on smooth" in capsys.readouterr().err


def test_a_build_fails_when_a_claim_does_not_hold(trained_run: Path, capsys):
    strict = ["assumptions.immersion.threshold=10", "hold=[immersion]"]
    assert main(["audit", f"run={trained_run}", *FEW, *strict]) == 1
    assert "immersion is asked to hold but is violated" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["only=[straightlines]"], "no assumption 'straightlines'"),
        (["only=flat"], "a list is needed"),
        (["hold=[tree]"], "tree is not tested"),
        (["part=tset"], "part='tset'"),
        (["nuisance=[site]"], "digits has no group 'site'"),
        (["formats=[json,pdf]"], "formats: no 'pdf'; choose from json, md, html."),
        (["baseline=none.json"], "is no audit.json"),
        (["+assumptions.mine._target_=builtins.dict", "only=[mine]"], "is no Assumption"),
    ],
)
def test_mistakes(arguments: list[str], expected: str, trained_run: Path, capsys):
    assert main(["audit", f"run={trained_run}", "output=audit", *arguments]) == 2
    said = capsys.readouterr().err
    assert expected in said
    assert "Traceback" not in said


def test_the_configuration_is_the_catalogue_with_its_defaults():
    configured = compose_config("audit", ["run=none"]).assumptions
    known = catalogue()
    assert set(configured) == set(known)
    for name, node in configured.items():
        assumption = instantiate(node)
        assert type(assumption) is type(known[name])
        assert assumption.claim == known[name].claim
        options = set(inspect.signature(type(assumption)).parameters)
        assert set(node) - {"_target_"} == options


@pytest.mark.parametrize("name", catalogue())
def test_a_claim_says_all_that_there_is_to_say(name: str):
    claim = catalogue()[name].claim
    assert claim.sentence.endswith(".")
    assert claim.remedy.endswith(".")
    assert all((claim.effect, claim.tolerance.reason, claim.cost))
    table = (Path(__file__).parents[2] / "docs" / "assumptions.md").read_text()
    (row,) = (line for line in table.splitlines() if line.startswith(f"| `{name}` |"))
    for said in (
        claim.sentence,
        str(claim.tolerance),
        f"| {claim.minimum_sample} | {claim.cost} |",
    ):
        assert said in row


@pytest.mark.parametrize("name", catalogue())
def test_remedies_name_settings_that_exist(name: str):
    remedy = catalogue()[name].claim.remedy
    for setting in re.findall(r"\b[a-z_][a-z_.]*=[a-z0-9_.]*[a-z0-9]", remedy):
        compose_config("train", [setting])


def test_a_run_that_is_not_there_is_trained_first(tiny: list[str], elsewhere: Path, capsys):
    training = ",".join(f"'{setting}'" for setting in [*tiny, "likelihood=gaussian_learned"])
    command = ["audit", "run=runs/new", f"training=[{training}]", *FEW, "formats=[json]"]
    assert main(command) == 0
    weights = elsewhere / "runs" / "new" / "best.safetensors"
    trained = weights.stat().st_mtime_ns
    assert main(command) == 0
    assert weights.stat().st_mtime_ns == trained
    other = ["audit", "run=runs/new", f"training=[{training},'seed=1']", *FEW]
    assert main(other) == 2
    assert "holds a run with other settings: seed" in capsys.readouterr().err


def test_groups_can_be_named_as_nuisance(cell_file):
    file, _ = cell_file
    data = blood_cells(path=file)
    found = nuisances(data, "test", ["cell cycle"])
    assert set(found) == {"cell cycle"}
    assert found["cell cycle"].equal(data.data_set.groups["cell cycle"].codes[data.test_indices])
    assert nuisances(data, "test", []) == {}  # none: that was said
    assert nuisances(data, "test", None) is None


def recorded(folder: Path, losses: list[float], *, epochs: int, data: str = "digits") -> Path:
    """What a training of such losses leaves."""
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text("{}")
    (folder / "config.yaml").write_text(
        f"train: {{epochs: {epochs}}}\ndata: {{_target_: geolatent.data.{data}, seed: 0}}\n"
    )
    rows = [f"main,{loss},1.0" for loss in losses] + ["uncertainty,7,7"]
    (folder / "log.csv").write_text("\n".join(["stage,validation_loss,train_loss", *rows]))
    return folder


def test_evidence_is_what_the_log_of_the_run_shows(tmp_path: Path):
    assert evidence(tmp_path) == Evidence(sensitivity=())
    fallen = [100 * 0.5**t + 0.001 * (t % 2) for t in range(60)]
    at_rest = evidence(recorded(tmp_path / "a", fallen, epochs=60))
    assert at_rest == Evidence(trained=True, converged=True, sensitivity=())
    # Its last epoch is not its best, and still it is not at rest.
    falling = [100 - t + 3 * (t % 2) for t in range(60)]
    moving = evidence(recorded(tmp_path / "b", falling, epochs=60))
    assert moving.trained
    assert not moving.converged
    assert "more epochs would gain" in moving.unconverged
    assert evidence(recorded(tmp_path / "c", falling, epochs=80)).converged  # stopped early
    (tmp_path / "c" / "log.csv").unlink()
    assert not evidence(tmp_path / "c").converged


def test_an_analysis_of_sensitivity_is_evidence_for_models_like_its_own(tmp_path: Path):
    run = recorded(tmp_path / "run", [1.0], epochs=1)
    study = tmp_path / "study"
    with pytest.raises(ValueError, match="is no analysis"):
        evidence(run, study)
    study.mkdir()
    (study / "table.json").write_text('{"known": ["flat"], "factors": {"dim": ["2", "4"]}}')
    with pytest.raises(ValueError, match=r"does not say what models .* as `geolatent sensitivity`"):
        evidence(run, study)
    recorded(study / "dim=2", [1.0], epochs=1)
    recorded(study / "dim=4", [1.0], epochs=1)
    for dim in (2, 4):
        with (study / f"dim={dim}" / "config.yaml").open("a") as file:
            file.write(f"latent: {{dim: {dim}, scale: 1}}\n")
    with pytest.raises(ValueError, match=r"other models .*: latent.scale is 1 there and None here"):
        evidence(run, study)
    with (run / "config.yaml").open("a") as file:
        file.write("latent: {dim: 3, scale: 1}\nrun_id: mine\n")
    assert evidence(run, study).sensitivity == ("flat",)  # the dimension was varied
    other = recorded(tmp_path / "other", [1.0], epochs=1, data="mnist")
    with pytest.raises(ValueError, match=r"data._target_ is .*digits there and .*mnist here"):
        evidence(other, study)
    longer = recorded(tmp_path / "longer", [1.0], epochs=7)
    with (longer / "config.yaml").open("a") as file:
        file.write("latent: {dim: 2, scale: 1}\n")
    with pytest.raises(ValueError, match=r"train.epochs is 1 there and 7 here"):
        evidence(longer, study)
