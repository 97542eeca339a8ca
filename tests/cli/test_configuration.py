"""Where configurations come from."""

from pathlib import Path

import pytest
from hydra.core.global_hydra import GlobalHydra

from geolatent.cli.configuration import compose_config, config_folder, configurations
from geolatent.cli.folder_name import folder_name


def test_the_checkout_has_the_only_copy():
    root = Path(__file__).resolve().parents[2]
    assert config_folder() == root / "configs"
    assert not (root / "geolatent" / "configs").exists()


def test_composing_leaves_hydra_as_it_was():
    assert not GlobalHydra.instance().is_initialized()
    compose_config("train")
    assert not GlobalHydra.instance().is_initialized()
    with configurations():
        compose_config("train")
    assert not GlobalHydra.instance().is_initialized()


def test_a_folder_that_the_variable_names_must_exist(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GEOLATENT_CONFIG_PATH", "nowhere")
    with pytest.raises(FileNotFoundError, match=r"GEOLATENT_CONFIG_PATH names .*nowhere"):
        compose_config("train")


def test_folder_names_are_short_safe_and_different():
    assert folder_name("latent=hyperbolic,seed=0") == "latent=hyperbolic,seed=0"
    long = [f"a={'x' * 300},seed={seed}" for seed in (0, 1)]
    names = [folder_name(settings) for settings in long]
    assert len(set(names)) == 2
    assert all(len(name) <= 120 for name in names)
    assert folder_name("path=a/b") != folder_name("path=a_b")
    assert "/" not in folder_name("path=../../etc")
    assert folder_name("") == "default"
