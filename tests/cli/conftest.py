"""A place for runs, and one trained run that the tests of its paths share."""

from pathlib import Path

import pytest

from geolatent.cli import main

TINY = (
    "train.epochs=2",
    "train.batch_size=512",
    "network.encoder.hidden=[8]",
    "network.decoder.hidden=[8]",
)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Runs go below the current folder, and errors are told as to a user."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
    monkeypatch.delenv("GEOLATENT_CONFIG_PATH", raising=False)
    return tmp_path


@pytest.fixture
def tiny() -> list[str]:
    """Settings with which a run takes a second."""
    return list(TINY)


@pytest.fixture(scope="module")
def trained_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small finished run; look, do not touch."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["train", "run_id=a", "likelihood=gaussian_learned", *TINY]) == 0
    return folder / "runs" / "a"
