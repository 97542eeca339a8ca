"""Every configuration file composes and builds what it describes, without being listed here."""

from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from geolatent.cli.build_model import build_model, with_sizes
from geolatent.cli.configuration import compose_config, config_folder
from geolatent.interpolation import INTERPOLATORS
from geolatent.models import VAE, elbo, sample

FOLDER = config_folder()
GROUPS = sorted(path for path in FOLDER.iterdir() if path.is_dir() and path.name != "settings")
NO_MODEL = {"experiment=limits_mishne2023"}  # a table of coordinates
# These belong to `interpolate`, `audit` and `sensitivity`.
GROUPS = [group for group in GROUPS if group.name not in ("path", "assumptions", "design")]
CHOICES = [
    choice
    for group in GROUPS
    for file in sorted(group.glob("*.yaml"))
    if (choice := f"{group.name}={file.stem}") not in NO_MODEL
    and not choice.startswith("experiment=audit_")
]
COMMANDS = sorted(file.stem for file in FOLDER.glob("*.yaml"))

# Networks that only go with one kind of likelihood or latent space.
NEEDED = {
    "network=mlp_rbf": ["likelihood=gaussian_rbf"],
    "network=mlp_ensemble": ["likelihood=ensemble"],
    "network=convolutional_ensemble": ["likelihood=ensemble"],
    "network=mlp_gyroplane": ["latent=hyperbolic"],
}


def small(choice: str, tmp_path: Path, request: pytest.FixtureRequest) -> list[str]:
    """The choice itself, with what it needs and nothing that takes long."""
    overrides = [choice]
    overrides += NEEDED.get(choice, [])
    if choice == "data=file":
        table = tmp_path / "table.csv"
        rows = torch.rand(40, 5, generator=torch.Generator().manual_seed(0)).tolist()
        table.write_text("\n".join(["a,b,c,d,e", *(",".join(map(str, row)) for row in rows)]))
        overrides.append(f"data.path={table}")
    if choice in ("data=blood_cells", "experiment=blood_cells"):  # scanpy is not for tests
        overrides.append(f"data.path={request.getfixturevalue('cell_file')[0]}")
    return overrides


def test_there_are_groups_for_every_part_of_a_run():
    assert {group.name for group in GROUPS} >= {
        "data",
        "experiment",
        "latent",
        "likelihood",
        "network",
        "train",
    }
    assert COMMANDS == [
        "audit",
        "calibrate",
        "demo",
        "interpolate",
        "reproduce",
        "sensitivity",
        "train",
    ]


@pytest.mark.parametrize("choice", CHOICES)
def test_every_choice_builds_a_model_that_has_a_bound(choice: str, tmp_path: Path, request):
    cfg = compose_config("train", small(choice, tmp_path, request))
    data = instantiate(cfg.data, _convert_="all")
    complete = with_sizes(cfg, data.width)
    model = build_model(complete)
    instantiate(cfg.train, _convert_="all")
    assert isinstance(model, VAE)
    # A likelihood of counts cannot describe digits: it gets data that it drew itself.
    x = sample(model, 8) if choice.startswith("likelihood=") else data.train[:8]
    terms = elbo(model, x.to(next(model.parameters()).dtype))
    assert terms.elbo().shape == (8,)
    assert torch.isfinite(terms.elbo()).all()
    assert OmegaConf.missing_keys(complete) == set()


@pytest.mark.parametrize("choice", CHOICES)
def test_every_choice_is_what_was_chosen(choice: str, tmp_path: Path, request):
    """A file that composes but is not merged would pass the test above."""
    group, _, name = choice.partition("=")
    cfg = compose_config("train", small(choice, tmp_path, request))
    text = OmegaConf.load(FOLDER / group / f"{name}.yaml")
    if group != "experiment":
        for key, value in OmegaConf.to_container(text).items():
            if key != "defaults" and value != "???" and not isinstance(value, dict):
                assert OmegaConf.to_container(cfg[group])[key] == value or key == "path"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_composes(command: str):
    cfg = compose_config(command)
    assert "hydra" not in cfg


@pytest.mark.parametrize(
    "name", sorted(file.stem for file in (FOLDER / "experiment").glob("audit_*.yaml"))
)
def test_every_audit_names_a_run_and_a_training_that_composes(name: str):
    cfg = compose_config("audit", [f"experiment={name}"])
    assert cfg.run == f"runs/{name}"
    assert set(compose_config("train", list(cfg.training))) >= {"data", "latent", "likelihood"}


@pytest.mark.parametrize("name", sorted(file.stem for file in (FOLDER / "path").glob("*.yaml")))
def test_every_path_is_the_rule_of_its_name_with_all_its_settings(name: str):
    settings = compose_config("interpolate").path[name]
    rule = instantiate(settings)
    assert type(rule) is type(INTERPOLATORS[name])
    assert vars(rule) == vars(INTERPOLATORS[name])
    assert set(settings) - {"_target_"} == set(vars(rule))


def test_a_path_may_be_described_twice():
    cfg = compose_config("interpolate", ["+path@path.strong=density", "path.strong.strength=7"])
    assert instantiate(cfg.path.strong).strength == 7
    assert instantiate(cfg.path.density).strength == 1


def test_the_runs_of_the_demo_exist():
    known = {file.stem for file in (FOLDER / "experiment").glob("*.yaml")}
    assert set(compose_config("demo").experiments) <= known


def test_the_rbf_likelihood_brings_its_network_unless_another_is_asked_for():
    brought = compose_config("train", ["likelihood=gaussian_rbf"])
    assert brought.network.decoder._target_.endswith("RbfPrecisionDecoder")
    asked = compose_config("train", ["likelihood=gaussian_rbf", "network=mlp"])
    assert asked.network.decoder._target_.endswith("MLP")


def test_the_ensemble_brings_its_network_and_takes_any_member():
    overrides = ["likelihood=ensemble", "likelihood@likelihood.member=poisson"]
    model = build_model(with_sizes(compose_config("train", overrides), 6))
    assert type(model.likelihood.member).__name__ == "Poisson"
    assert len(model.decoder.members) == model.likelihood.members == 8


@pytest.mark.parametrize("latent", ["hyperbolic", "poincare"])
def test_the_gyroplanes_are_those_of_the_latent_space(latent: str):
    overrides = ["network=mlp_gyroplane", f"latent={latent}", "latent.manifold.curvature=-0.5"]
    model = build_model(with_sizes(compose_config("train", overrides), 6))
    assert type(model.decoder[0].manifold) is type(model.latent.manifold)
    assert float(model.decoder[0].manifold.curvature) == -0.5


def test_a_decoder_that_does_not_fit_its_likelihood_is_refused():
    cfg = compose_config("train", ["likelihood=gaussian", "network=mlp_rbf"])
    with pytest.raises(ValueError, match="means and log scales, which Gaussian"):
        build_model(with_sizes(cfg, 64))


def test_composing_leaves_the_configuration_given_as_it_was():
    cfg = compose_config("train")
    with_sizes(cfg, 64)
    assert OmegaConf.is_missing(cfg.sizes, "data")


@pytest.mark.parametrize(
    ("name", "latent", "decoder"),
    [
        ("digits_euclidean", "EuclideanSpace", "MLP"),
        ("digits_riemannian", "EuclideanSpace", "RbfPrecisionDecoder"),
        ("digits_hyperbolic", "WrappedNormalSpace", "MLP"),
    ],
)
def test_the_runs_of_the_demo_are_what_they_are_called(name: str, latent: str, decoder: str):
    cfg = compose_config("train", [f"experiment={name}"])
    model = build_model(with_sizes(cfg, 64))
    assert type(model.latent).__name__ == latent
    assert type(model.decoder).__name__ == decoder
    assert cfg.data._target_ == "geolatent.data.digits"
