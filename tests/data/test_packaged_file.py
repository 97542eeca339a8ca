import sys

import pytest

from geolatent.data.packaged_file import packaged_file


def test_a_file_is_found_without_importing_its_package(tmp_path, monkeypatch):
    package = tmp_path / "brings_data"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "table.csv").write_text("1")
    monkeypatch.syspath_prepend(tmp_path)
    found = packaged_file("brings_data", "table.csv", extra="some", purpose="a test")
    assert found == package / "table.csv"
    assert "brings_data" not in sys.modules
    with pytest.raises(FileNotFoundError, match="this version of brings_data does not have"):
        packaged_file("brings_data", "other.csv", extra="some", purpose="a test")
