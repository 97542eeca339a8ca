"""What a wheel and an sdist contain."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel and an sdist, made with the build backend of this environment."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--sdist", "--wheel"]
    done = subprocess.run(
        [*command, "--outdir", str(folder), str(ROOT)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def configs() -> set[str]:
    return {path.relative_to(ROOT).as_posix() for path in (ROOT / "configs").rglob("*.yaml")}


def test_the_wheel_holds_the_configurations_inside_the_package(built: Path):
    (wheel,) = built.glob("*.whl")
    assert wheel.name.startswith("geolatent_toolkit-")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"geolatent/{name}" for name in configs()} <= names
    assert {"geolatent/__init__.py", "geolatent/py.typed", "geolatent/cli/entry.py"} <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {name.split("/")[0].partition("-")[0] for name in names} == {
        "geolatent",
        "geolatent_toolkit",
    }


def test_everything_in_the_package_that_is_no_code_is_in_the_wheel(built: Path):
    (wheel,) = built.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    files = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "geolatent").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert files <= names


def test_the_sdist_builds_on_its_own(built: Path):
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert configs() <= names
    assert {"pyproject.toml", "LICENSE", "constraints.txt", "Makefile"} <= names
    assert {"experiments/train.py", "tests/conftest.py"} <= names


def test_an_installed_wheel_finds_its_configurations(built: Path, tmp_path: Path):
    """Unpacked elsewhere and first on the path, as in another environment."""
    (wheel,) = built.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    script = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r});"
        "from geolatent.cli.configuration import compose_config, config_folder;"
        "print(config_folder()); print(compose_config('train', ['latent=poincare']).latent)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "site" / "geolatent" / "configs") in done.stdout
    assert "PoincareBall" in done.stdout
