import errno
import os
import resource

import pytest

from geolatent.storage import atomic_write, partial_path


def test_content_is_replaced_whole(tmp_path):
    path = tmp_path / "x"
    atomic_write(path, b"old")
    atomic_write(path, b"new and longer")
    assert path.read_bytes() == b"new and longer"
    assert [file.name for file in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_an_error_leaves_the_previous_file(tmp_path, monkeypatch, broken):
    path = tmp_path / "x"
    atomic_write(path, b"old")

    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, broken, fail)
    with pytest.raises(OSError, match=r"No space left.*The previous one is whole.*Free") as caught:
        atomic_write(path, b"new")
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.filename == str(path)
    assert path.read_bytes() == b"old"
    assert not partial_path(path).exists()


def test_a_real_limit_leaves_the_previous_file(tmp_path):
    path = tmp_path / "x"
    atomic_write(path, b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OSError, match=r"File too large.*The previous one is whole"):
            atomic_write(path, bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == b"old"
    assert not partial_path(path).exists()


def test_a_leftover_of_a_killed_process_does_no_harm(tmp_path):
    path = tmp_path / "x"
    partial_path(path).write_bytes(b"half of something much longer than what comes now")
    atomic_write(path, b"new")
    assert path.read_bytes() == b"new"
