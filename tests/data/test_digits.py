import pytest
import torch

from geolatent.data import digits


def test_digits():
    parts = digits()
    data_set = parts.data_set
    assert data_set.data.shape == (1797, 64)
    assert data_set.data.dtype == torch.float32
    assert (float(data_set.data.min()), float(data_set.data.max())) == (0, 1)
    assert data_set.image_shape == (8, 8)
    assert data_set.label_names == tuple("0123456789")
    assert [len(part) for part in (parts.train, parts.validation, parts.test)] == [1257, 270, 270]
    assert torch.bincount(parts.test_labels).min() >= 26


def test_the_labels_belong_to_the_images():
    parts = digits(seed=4)
    bars = parts.train[parts.train_labels == 0].mean(0).reshape(8, 8)
    assert bars[3:5, 3:5].mean() < 0.2  # a nought is empty in the middle
    ones = parts.train[parts.train_labels == 1].mean(0).reshape(8, 8)
    assert ones[3:5, 3:5].mean() > 0.6


def test_some_classes_keep_their_images():
    every, some = digits().data_set, digits(classes=[7, 3]).data_set
    assert some.label_names == ("7", "3")
    for label, digit in enumerate((7, 3)):
        assert torch.equal(some.data[some.labels == label], every.data[every.labels == digit])


@pytest.mark.parametrize("classes", [[], [3, 3], [10]])
def test_classes_are_different_digits(classes):
    with pytest.raises(ValueError, match="must be different digits"):
        digits(classes=classes)
