import pytest
from matplotlib.figure import Figure

from geolatent.viz import decoded_strip, excess_figure, latent_map, save_figure


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_the_same_figure_gives_the_same_bytes(kind, decoder, codes, comparison, tmp_path):
    files = []
    for name in ("one", "two"):
        figure = Figure(figsize=(5, 2))
        left, right = figure.subplots(1, 2)
        latent_map(left, decoder, codes, comparison=comparison, resolution=12)
        decoded_strip(right, decoder, comparison, 0, image_shape=(1, 3), count=3)
        files += save_figure(figure, tmp_path / name / f"figure.{kind}")
    first, second = (file.read_bytes() for file in files)
    assert first == second
    assert len(first) > 10_000


def test_also_other_formats_and_nothing_is_left_behind(comparison, tmp_path):
    figure = excess_figure({"bowl": comparison})
    written = save_figure(figure, tmp_path / "a.png", also=("svg", "png"))
    assert [file.name for file in written] == ["a.png", "a.svg"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.png", "a.svg"]
    assert written[0].read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in written[1].read_bytes()


def test_dpi(comparison, tmp_path):
    def width(file):
        return int.from_bytes(file.read_bytes()[16:20])

    figure = excess_figure({"bowl": comparison})
    (usual,) = save_figure(figure, tmp_path / "a.png")
    (half,) = save_figure(figure, tmp_path / "b.png", dpi=100)
    assert width(usual) == 1420
    assert width(half) == 710


def test_a_failure_keeps_the_old_file(comparison, tmp_path, monkeypatch):
    figure = excess_figure({"bowl": comparison})
    (file,) = save_figure(figure, tmp_path / "a.png")
    before = file.read_bytes()

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        save_figure(figure, file, dpi=50)
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_unknown_formats_are_refused(comparison, tmp_path):
    with pytest.raises(ValueError, match="jpg"):
        save_figure(excess_figure({"bowl": comparison}), tmp_path / "a.jpg")
    assert not list(tmp_path.iterdir())
